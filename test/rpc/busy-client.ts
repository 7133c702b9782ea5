import { dialRpc } from '../../shared/rpc/index.js';

/** Calls and notifies without end over the socket it is given, until it is killed. */
const connection = await dialRpc(process.argv[2] ?? '', {
  name: 'the server',
  onRequest: () => new Promise(() => {}),
  onNotification: () => {},
});
await connection.call('pester').catch(() => {});
process.send?.('connected');
while (!connection.isClosed) {
  for (let n = 0; n < 50; n++) connection.notify('event', { n });
  await Promise.all(Array.from({ length: 50 }, () => connection.call('ping', {})));
}
