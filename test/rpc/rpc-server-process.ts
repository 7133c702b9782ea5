import { connectRpc, listenRpc } from '../../shared/rpc/index.js';

/**
 * A server in a process of its own. `ping` answers at once, `echo` its params, `wait` when it is withdrawn. Tells its
 * parent when it listens, answers `memory` with its resident bytes after a collection, and dies loudly of anything that
 * nobody caught.
 */
const handlers: Record<string, (params: unknown, signal: () => AbortSignal) => unknown> = {
  ping: () => 'pong',
  echo: (params) => params,
  wait: (_params, signal) => new Promise((resolve) => signal().addEventListener('abort', () => resolve('withdrawn'))),
};

const connections = new Set<unknown>();
await listenRpc(process.argv[2] ?? '', (socket) => {
  const connection = connectRpc(socket, {
    name: 'a client',
    onRequest: (method, params, context) => (Object.hasOwn(handlers, method) ? handlers[method]?.(params, () => context.signal) : undefined),
    onNotification: () => {},
  });
  connections.add(connection);
  void connection.closed.then(() => connections.delete(connection));
});

process.on('message', () => {
  globalThis.gc?.();
  process.send?.({ residentBytes: process.memoryUsage.rss(), connections: connections.size });
});
process.send?.('listening');
