import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dialRpc } from '../../shared/rpc/index.js';
import { until } from './pair.js';

/** 100,000 frames; HIVE_FUZZ_FRAMES raises it, HIVE_FUZZ_SEED repeats a run. */
const frames = Number(process.env['HIVE_FUZZ_FRAMES'] ?? 100_000);
const seed = Number(process.env['HIVE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);

type Tally = { sent: number; cutOff: number; survived: number } | { failure: string };

describe('a server under fuzzed frames', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hive-fuzz-'));
  const path = join(folder, 'hive.sock');
  let server: ChildProcess;

  beforeAll(async () => {
    server = fork(join(import.meta.dirname, 'rpc-server-process.js'), [path], { execArgv: ['--expose-gc'] });
    await once(server, 'message');
  });
  afterAll(() => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function report(): Promise<{ residentBytes: number; connections: number }> {
    const answer = once(server, 'message');
    server.send('report');
    return ((await answer) as [{ residentBytes: number; connections: number }])[0];
  }

  async function fuzz(count: number): Promise<Tally> {
    const client = fork(join(import.meta.dirname, 'fuzz-client.js'), [path, String(seed), String(count)]);
    const [tally] = (await once(client, 'message')) as [Tally];
    return tally;
  }

  it(
    `survives ${frames} of them, keeps its memory, and goes on answering others`,
    async () => {
      const witness = await dialRpc(path, { name: 'the server' });
      await fuzz(2000);
      const before = await report();

      const waits: number[] = [];
      let isFuzzing = true;
      const watching = (async () => {
        while (isFuzzing) {
          const start = performance.now();
          expect(await witness.call('ping')).toBe('pong');
          waits.push(performance.now() - start);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      })();
      const start = performance.now();
      const tally = await fuzz(frames);
      const seconds = (performance.now() - start) / 1000;
      isFuzzing = false;
      await watching;

      const p99 = waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? Infinity;
      await until(() => !witness.isClosed);
      let after = await report();
      for (let tries = 0; after.connections > 1 && tries < 100; tries++) after = await report();
      const grownMegabytes = (after.residentBytes - before.residentBytes) / 2 ** 20;
      const facts = { seed, frames, seconds, tally, calls: waits.length, p99, grownMegabytes, alive: server.exitCode === null, connections: after.connections };
      console.log(JSON.stringify(facts));

      // The seed is part of what is compared, so that it stands in the message of every failure.
      expect({ seed, failure: 'failure' in tally ? tally.failure : null }).toEqual({ seed, failure: null });
      expect({ ...facts, ok: 'sent' in tally && tally.sent >= frames && tally.cutOff > 0 }).toMatchObject({ ok: true, alive: true, connections: 1 });
      expect({ ...facts, ok: p99 < 50 && waits.length > 100 }).toMatchObject({ ok: true });
      expect({ ...facts, ok: grownMegabytes < 64 }).toMatchObject({ ok: true });
      expect(await witness.call('ping')).toBe('pong');
      witness.close();
    },
    30_000 + frames,
  );
});
