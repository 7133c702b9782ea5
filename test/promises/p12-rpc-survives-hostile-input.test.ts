import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dialRpc } from '../../shared/rpc/index.js';

/** 100,000 frames; HIVE_FUZZ_FRAMES raises it, HIVE_FUZZ_SEED repeats a run. */
const frames = Number(process.env['HIVE_FUZZ_FRAMES'] ?? 100_000);
const seed = Number(process.env['HIVE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);

type Tally = { sent: number; cutOff: number; survived: number } | { failure: string };

describe('promise 12: a server under fuzzed frames', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hive-fuzz-'));
  const path = join(folder, 'hive.sock');
  const idlePath = join(folder, 'idle.sock');
  const children: ChildProcess[] = [];
  let server: ChildProcess;

  async function serve(at: string): Promise<ChildProcess> {
    const child = fork(join(import.meta.dirname, '../rpc/rpc-server-process.js'), [at], { execArgv: ['--expose-gc'] });
    children.push(child);
    await once(child, 'message');
    return child;
  }

  beforeAll(async () => {
    server = await serve(path);
    await serve(idlePath);
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function report(): Promise<{ residentBytes: number; connections: number }> {
    const answer = once(server, 'message');
    server.send('report');
    return ((await answer) as [{ residentBytes: number; connections: number }])[0];
  }

  async function fuzz(count: number): Promise<Tally> {
    const client = fork(join(import.meta.dirname, '../rpc/fuzz-client.js'), [path, String(seed), String(count)]);
    children.push(client);
    const [tally] = (await once(client, 'message')) as [Tally];
    return tally;
  }

  /** Calls every 2 ms, until the signal, and answers the 99th percentile of how long that took, in milliseconds. */
  async function watch(at: string, signal: AbortSignal): Promise<{ calls: number; p99: number }> {
    const connection = await dialRpc(at, { name: 'the server' });
    const waits: number[] = [];
    while (!signal.aborted) {
      const start = performance.now();
      expect(await connection.call('ping')).toBe('pong');
      waits.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    connection.close();
    return { calls: waits.length, p99: waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? Infinity };
  }

  it(
    `survives ${frames} of them, keeps its memory, and goes on answering others`,
    async () => {
      const cold = await report();
      // What grows once, with the first work of any kind (compiled code, V8's young generation), is no leak.
      await fuzz(10_000);
      const before = await report();

      // A server that nobody fuzzes shows how much of a wait is this machine's own doing at the moment.
      const over = new AbortController();
      const watching = Promise.all([watch(path, over.signal), watch(idlePath, over.signal)]);
      const start = performance.now();
      const tally = await fuzz(frames);
      const seconds = (performance.now() - start) / 1000;
      over.abort();
      const [fuzzed, idle] = await watching;

      let after = await report();
      const settled = (): boolean => after.connections === 0 && after.residentBytes - before.residentBytes < 64 * 2 ** 20;
      for (let tries = 0; !settled() && tries < 30; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        after = await report();
      }
      const megabytesSince = (then: { residentBytes: number }): number => Math.round((after.residentBytes - then.residentBytes) / 2 ** 20);
      const grownMegabytes = megabytesSince(before);
      const facts = { seed, frames, seconds, tally, fuzzed, idle, grownMegabytes, sinceCold: megabytesSince(cold), connections: after.connections };
      if (process.env['HIVE_FUZZ_FRAMES'] !== undefined) console.log(JSON.stringify(facts));

      // The facts, and with them the seed, are part of what is compared, so that they stand in the message of a failure.
      expect({ ...facts, exitCode: server.exitCode, failed: 'failure' in tally }).toMatchObject({ exitCode: null, failed: false, connections: 0 });
      expect({ ...facts, allSent: 'sent' in tally && tally.sent >= frames && tally.cutOff > 0 }).toMatchObject({ allSent: true });
      expect({ ...facts, prompt: fuzzed.p99 < 50 + idle.p99 && fuzzed.calls > 100 }).toMatchObject({ prompt: true });
      expect({ ...facts, lean: grownMegabytes < 64 }).toMatchObject({ lean: true });
    },
    30_000 + frames,
  );
});
