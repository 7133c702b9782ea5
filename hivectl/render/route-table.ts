import type { Route, RouteTable } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { renderTable, type Column } from './table.js';

const columns: readonly Column<Route>[] = [
  { title: 'HOST', cell: ({ host }) => host ?? '*' },
  { title: 'PATH', cell: ({ path }) => path },
  { title: 'SERVICE', cell: ({ service }) => service },
  { title: 'ENDPOINTS', cell: ({ endpoints }) => endpoints.map(({ address, port }) => `${address}:${port}`).join(' '), narrow: 'cut' },
  { title: 'REASON', cell: ({ reason }) => reason ?? '', style: () => 'yellow', narrow: 'cut' },
];

/** One row a route; a route without endpoints says why. */
export function renderRoutes({ routes, bind, version }: RouteTable, width: number | null, paint: Paint): string[] {
  if (routes.length === 0) return ['No service has a route. Give one a `proxy` in hive.yaml: docs/configuration.md.'];
  return [...renderTable(columns, routes, width, paint), '', `Version ${version}, served on ${bind.join(', ')}.`];
}
