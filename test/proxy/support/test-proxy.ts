import { ProxyServer, type ProxyOptions } from '../../../plugins/proxy/proxy-server.js';
import type { Route, RouteEndpoint, RouteTable } from '../../../plugins/proxy/routes/route-table.js';

export interface TestProxy { readonly proxy: ProxyServer; readonly port: number; readonly serve: (...routes: Route[]) => void; readonly close: () => Promise<void> }

export function endpointsAt(...ports: number[]): RouteEndpoint[] {
  return ports.map((port) => ({ id: `at-${port}`, address: '127.0.0.1', port }));
}

/** A route with everything as hive.yaml has it by default. */
export function route(of: Partial<Route> = {}): Route {
  const { path = '/', host = null } = of;
  return {
    id: `${host ?? ''}${path}`, host, path, stripPrefix: false, timeoutMs: 60_000, headers: { add: {}, remove: [] }, service: 'default:web', endpoints: [], ...of,
  };
}

let version = 0;

export function tableOf(...routes: Route[]): RouteTable {
  return { version: ++version, routes };
}

export async function startProxy(routes: Route[], options: ProxyOptions = {}): Promise<TestProxy> {
  const proxy = new ProxyServer(options);
  const serve = (...served: Route[]): void => {
    const applied = proxy.apply(tableOf(...served));
    if (!applied.ok) throw new Error(applied.reason);
  };
  serve(...routes);
  const { port } = await proxy.listen({ host: '127.0.0.1', port: 0 });
  return { proxy, port, serve, close: () => proxy.stop(0) };
}
