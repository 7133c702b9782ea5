import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Hive's RPC beside vscode-jsonrpc as it comes; every client and server is a process of its own. Prints JSON. */
interface Peer {
  readonly works: string[];
  readonly client: ChildProcess;
  readonly server: ChildProcess;
}

const program = (name: string): string => join(import.meta.dirname, name);

async function start(kind: 'bare' | 'hive', folder: string): Promise<Peer> {
  const path = join(folder, `${kind}.sock`);
  const server = fork(program('rpc-server.js'), [kind, path]);
  await once(server, 'message');
  const client = fork(program('rpc-client.js'), [kind, path]);
  const [works] = (await once(client, 'message')) as [string[]];
  return { works, client, server };
}

async function stop({ client, server }: Peer): Promise<void> {
  for (const process of [client, server]) {
    process.kill();
    await once(process, 'exit');
  }
}

async function rateOf(peer: Peer, work: string): Promise<number> {
  const answer = once(peer.client, 'message');
  peer.client.send(work);
  return ((await answer) as [number])[0];
}

const median = (values: number[]): number => Math.round(values.sort((a, b) => a - b)[values.length >> 1] ?? 0);

/** Both peers take turns within each round, so that a busy machine slows both; the medians of all rounds are compared. */
async function compare(bare: Peer, hive: Peer, rounds: number): Promise<Record<string, object>> {
  const report: Record<string, object> = {};
  for (const work of hive.works) {
    const rates: { bare: number[]; hive: number[] } = { bare: [], hive: [] };
    await rateOf(bare, work);
    await rateOf(hive, work);
    for (let round = 0; round < rounds; round++) {
      rates.bare.push(await rateOf(bare, work));
      rates.hive.push(await rateOf(hive, work));
    }
    const [ofBare, ofHive] = [median(rates.bare), median(rates.hive)];
    report[work] = { bare: ofBare, hive: ofHive, ratio: Math.round((ofHive / ofBare) * 100) / 100 };
  }
  return report;
}

const folder = mkdtempSync(join(tmpdir(), 'hive-bench-'));
try {
  const [bare, hive] = [await start('bare', folder), await start('hive', folder)];
  console.log(JSON.stringify(await compare(bare, hive, 9), undefined, 2));
  await Promise.all([stop(bare), stop(hive)]);
} finally {
  rmSync(folder, { recursive: true });
}
