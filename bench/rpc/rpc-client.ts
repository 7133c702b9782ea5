import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { dialRpc } from '../../shared/rpc/index.js';

/**
 * The client side of rpc-bench: does the work it is told over IPC and answers with a rate per second. `bare` and `hive`
 * never share a process, because Hive's prompt dispatch would speed the other one up.
 */
interface Client {
  call(method: string, params: object): Promise<unknown>;
  onEvents(listener: (count: number) => void): void;
  close(): void;
}

async function dialHive(path: string): Promise<Client> {
  let listener: (count: number) => void = () => {};
  const connection = await dialRpc(path, { name: 'the bench', onNotification: (_method, params) => listener((params as { events: unknown[] }).events.length) });
  return { call: (method, params) => connection.call(method, params), onEvents: (given) => void (listener = given), close: () => connection.close() };
}

async function dialBare(path: string): Promise<Client> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  let listener: (count: number) => void = () => {};
  connection.onNotification('event', (params: { events: unknown[] }) => listener(params.events.length));
  connection.listen();
  return { call: (method, params) => connection.sendRequest(method, params), onEvents: (given) => void (listener = given), close: () => socket.destroy() };
}

async function serial(client: Client, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) await client.call('ping', {});
  return (calls / (performance.now() - start)) * 1000;
}

async function pipelined(client: Client, calls: number, window: number): Promise<number> {
  const start = performance.now();
  let left = calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await client.call('ping', {});
  };
  await Promise.all(Array.from({ length: window }, lane));
  return (calls / (performance.now() - start)) * 1000;
}

async function events(client: Client, total: number, batch: number): Promise<number> {
  const start = performance.now();
  let seen = 0;
  const all = new Promise<void>((resolve) => client.onEvents((count) => {
    seen += count;
    if (seen >= total) resolve();
  }));
  await client.call('pump', { total, batch });
  await all;
  return (total / (performance.now() - start)) * 1000;
}

const works: Record<string, (client: Client) => Promise<number>> = {
  serial: (client) => serial(client, 5000),
  pipelined: (client) => pipelined(client, 20_000, 100),
  eventsUnbatched: (client) => events(client, 20_000, 1),
  eventsBatchedBy100: (client) => events(client, 100_000, 100),
};


const [kind = 'hive', path = ''] = process.argv.slice(2);
const client = kind === 'hive' ? await dialHive(path) : await dialBare(path);
process.on('message', (name: string) => {
  void works[name]?.(client).then((rate) => process.send?.(rate));
});
process.on('disconnect', () => client.close());
process.send?.(Object.keys(works));
