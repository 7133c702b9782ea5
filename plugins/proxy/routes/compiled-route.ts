import type { EndpointPool } from '../backend/endpoint-pool.js';
import type { ServiceFigures } from '../observe/figures.js';
import type { Route } from './route-table.js';

/** A route, with everything that can be known before a request comes. */
export interface CompiledRoute {
  readonly route: Route;
  /** Requests below it begin with this. */
  readonly pathWithSlash: string;
  readonly pools: readonly EndpointPool[];
  /** Names of headers (lower case) that are not passed on as the client sent them. */
  readonly removes: ReadonlySet<string>;
  /** Header lines to add. */
  readonly adds: string;
  /** What the service sees as Host; null: what the client sent. */
  readonly host: string | null;
  readonly figures: ServiceFigures;
}

export function compileRoute(route: Route, pools: readonly EndpointPool[], figures: ServiceFigures): CompiledRoute {
  const added = Object.entries(route.headers.add);
  const lines = added.filter(([name]) => name.toLowerCase() !== 'host').map(([name, value]) => `${name}: ${value}\r\n`);
  return {
    route,
    pathWithSlash: route.path === '/' ? '/' : `${route.path}/`,
    pools,
    removes: new Set([...route.headers.remove, ...added.map(([name]) => name)].map((name) => name.toLowerCase())),
    adds: lines.join(''),
    host: added.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? null,
    figures,
  };
}
