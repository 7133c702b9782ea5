import type { CompiledRoute } from './compiled-route.js';

/** Finds the route of a request. A host beats none, a whole name beats `*.`; then the longest path wins. */
export class RouteIndex {
  readonly #byHost = new Map<string, CompiledRoute[]>();
  readonly #byEnding = new Map<string, CompiledRoute[]>();
  readonly #anyHost: CompiledRoute[] = [];

  constructor(routes: readonly CompiledRoute[]) {
    const longestPathFirst = [...routes].sort((one, other) => other.route.path.length - one.route.path.length);
    for (const compiled of longestPathFirst) this.#listOf(compiled.route.host).push(compiled);
  }

  /** @param host as the client sent it @param target with or without a query, of which the first `pathLength` characters are the path */
  find(host: string, target: string, pathLength: number): CompiledRoute | null {
    if (this.#byHost.size > 0 || this.#byEnding.size > 0) {
      const found = this.#findByHost(nameOf(host), target, pathLength);
      if (found !== null) return found;
    }
    return longestOf(this.#anyHost, target, pathLength);
  }

  #findByHost(name: string, target: string, pathLength: number): CompiledRoute | null {
    const exact = this.#byHost.get(name);
    const found = exact === undefined ? null : longestOf(exact, target, pathLength);
    if (found !== null || this.#byEnding.size === 0) return found;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const list = this.#byEnding.get(name.slice(dot));
      const below = list === undefined || dot === 0 ? null : longestOf(list, target, pathLength);
      if (below !== null) return below;
    }
    return null;
  }

  #listOf(host: string | null): CompiledRoute[] {
    if (host === null) return this.#anyHost;
    const [lists, key] = host.startsWith('*.') ? [this.#byEnding, host.slice(1)] : [this.#byHost, host];
    const list = lists.get(key) ?? [];
    lists.set(key, list);
    return list;
  }
}

/** Without its port, in lower case, and without the dot that may end a full name. */
function nameOf(host: string): string {
  const colon = host.endsWith(']') ? -1 : host.lastIndexOf(':');
  const name = (colon === -1 ? host : host.slice(0, colon)).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function longestOf(routes: readonly CompiledRoute[], target: string, pathLength: number): CompiledRoute | null {
  for (const compiled of routes) {
    const { path } = compiled.route;
    if (path === '/') return compiled;
    if (pathLength === path.length ? target.startsWith(path) : target.startsWith(compiled.pathWithSlash)) return compiled;
  }
  return null;
}
