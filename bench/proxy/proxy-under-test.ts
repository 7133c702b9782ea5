import { ProxyServer } from '../../plugins/proxy/proxy-server.js';

/** Hive's proxy in a process of its own: `proxy-under-test <port> <backend port>`. */
const [port, backendPort] = process.argv.slice(2).map(Number) as [number, number];
const proxy = new ProxyServer();
const applied = proxy.apply({
  version: 1,
  routes: [{
    id: 'web', host: null, path: '/', stripPrefix: false, timeoutMs: 60_000, headers: { add: {}, remove: [] },
    service: 'default:web', endpoints: [{ id: 'web.1', address: '127.0.0.1', port: backendPort }],
  }],
});
if (!applied.ok) throw new Error(applied.reason);
await proxy.listen({ host: '127.0.0.1', port });
