import { createServer } from 'node:net';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { connectRpc, listenRpc, RawJson, type RpcConnection } from '../../shared/rpc/index.js';

/** The server side of rpc-bench: `hive` or `bare` (vscode-jsonrpc as it comes), and the socket to listen on. */
const [kind = 'hive', path = ''] = process.argv.slice(2);

const event = JSON.stringify({ seq: 123456, time: '2026-01-01T00:00:00.000Z', type: 'service.healthChanged', fqn: 'shop:checkout', instance: 'shop:checkout#1', healthy: true, check: 'http', detail: 'GET /health answered 200 in 3 ms' });
const rawEvent = new RawJson(event);

async function pump(connection: RpcConnection, total: number, batch: number): Promise<void> {
  for (let sent = 0; sent < total; sent += batch) {
    if (!connection.writable) await connection.whenWritable();
    const events = RawJson.array(new Array<RawJson>(batch).fill(rawEvent));
    connection.notify('event', RawJson.object({ epoch: 'e', events, through: sent + batch }));
  }
}

if (kind === 'hive') {
  await listenRpc(path, (socket) => {
    const connection = connectRpc(socket, {
      name: 'the bench',
      onDefect: console.error,
      onRequest: (method, params) => {
        if (method === 'ping') return {};
        const { total, batch } = params as { total: number; batch: number };
        return pump(connection, total, batch).then(() => ({}));
      },
    });
  });
} else {
  createServer((socket) => {
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    connection.onRequest('ping', () => ({}));
    connection.onRequest('pump', async ({ total, batch }: { total: number; batch: number }) => {
      for (let sent = 0; sent < total; sent += batch) {
        await connection.sendNotification('event', { epoch: 'e', events: new Array<unknown>(batch).fill(JSON.parse(event)), through: sent + batch });
      }
      return {};
    });
    connection.listen();
  }).listen(path);
}
process.send?.('listening');
