import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { DaemonClient } from '../../shared/client/index.js';

/**
 * Calls the smallest method of a server and sends the rates to its parent: `bare` calls with vscode-jsonrpc as it comes,
 * `hive` with Hive's client. Each has a process of its own, for the one's way of dispatching would speed up the other.
 */
const [kind = 'hive', socketPath = '', forMs = '1000'] = process.argv.slice(2);

async function callerOf(): Promise<() => Promise<unknown>> {
  if (kind === 'hive') {
    const client = await DaemonClient.connect({ socket: socketPath });
    return () => client.ping();
  }
  const socket = createConnection(socketPath);
  await once(socket, 'connect');
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  connection.listen();
  return () => connection.sendRequest('ping', {});
}

/** Calls a second with so many calls under way at a time. */
async function rate(call: () => Promise<unknown>, atATime: number): Promise<number> {
  const beganAtMs = performance.now();
  const endsAtMs = beganAtMs + Number(forMs);
  let calls = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endsAtMs) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return calls / ((performance.now() - beganAtMs) / 1000);
}

const call = await callerOf();
await rate(call, 100);
const rates = { serial: await rate(call, 1), pipelined: await rate(call, 100) };
process.send?.(rates, () => process.exit());
