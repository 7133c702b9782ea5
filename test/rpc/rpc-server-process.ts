import { connectRpc, listenRpc, methodNotFound, type RpcConnection } from '../../shared/rpc/index.js';

/**
 * A server in a process of its own. `ping` answers at once, `echo` its params, `wait` when it is withdrawn; `pester` is
 * answered at once and followed by notifications and calls without end. Tells its
 * parent when it listens, answers any message with its resident bytes after a collection, and dies loudly of anything that
 * nobody caught.
 */
const handlers: Record<string, (params: unknown, signal: () => AbortSignal) => unknown> = {
  ping: () => 'pong',
  echo: (params) => params,
  wait: (_params, signal) => new Promise((resolve) => signal().addEventListener('abort', () => resolve('withdrawn'))),
};

async function pester(connection: RpcConnection): Promise<void> {
  const text = 'x'.repeat(1000);
  while (!connection.isClosed) {
    for (let n = 0; n < 100; n++) connection.notify('event', { text });
    // Not awaited: the calls of a peer that dies have to end on their own.
    for (let n = 0; n < 10; n++) connection.call('never.answered').catch(() => {});
    await connection.whenWritable();
    await new Promise(setImmediate);
  }
}

const connections = new Set<unknown>();
await listenRpc(process.argv[2] ?? '', (socket) => {
  const connection = connectRpc(socket, {
    name: 'a client',
    onRequest: (method, params, context) => {
      if (method === 'pester') return void pester(connection);
      if (!Object.hasOwn(handlers, method)) throw methodNotFound(method);
      return handlers[method]?.(params, () => context.signal);
    },
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
