import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { dialRpc } from '../../shared/rpc/index.js';

/** Hive's RPC beside vscode-jsonrpc as it comes, client and server in processes of their own. Prints one JSON object. */
interface Client {
  call(method: string, params: object): Promise<unknown>;
  onEvents(listener: (count: number) => void): void;
  close(): void;
}

type Kind = 'bare' | 'hive';

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

async function measure(kind: Kind, folder: string): Promise<Record<string, number>> {
  const path = join(folder, `${kind}.sock`);
  const server: ChildProcess = fork(join(import.meta.dirname, 'rpc-server.js'), [kind, path]);
  await once(server, 'message');
  const client = kind === 'hive' ? await dialHive(path) : await dialBare(path);
  await serial(client, 2000);
  const figures = {
    serial: await serial(client, 10_000),
    pipelined: await pipelined(client, 50_000, 100),
    eventsUnbatched: await events(client, 50_000, 1),
    eventsBatchedBy100: await events(client, kind === 'hive' ? 500_000 : 100_000, 100),
  };
  client.close();
  server.kill();
  await once(server, 'exit');
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value)]));
}

const folder = mkdtempSync(join(tmpdir(), 'hive-bench-'));
try {
  const runs: Record<string, Record<string, number>> = {};
  for (const kind of ['bare', 'hive'] as const) runs[kind] = await measure(kind, folder);
  console.log(JSON.stringify(runs, undefined, 2));
} finally {
  rmSync(folder, { recursive: true });
}
