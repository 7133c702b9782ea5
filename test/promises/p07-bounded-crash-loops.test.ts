import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { orderProblems } from '../support/event-order.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { gaps, notesItsStart, startTimes } from '../support/run-times.js';
import { seededRandom } from '../support/seeded-random.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** What a machine under load may add to a delay; the resolution of /proc/uptime is all that may be taken away from it. */
const lateMs = 10_000;
const earlyMs = 20;
const policies = ['never', 'on-failure', 'always', 'unless-stopped'] as const;

jest.setTimeout(120_000);

describe('promise 7: a crash loop is bounded', () => {
  let hive: TestHive;
  let runs: string;
  afterEach(() => hive.end());

  const begin = async (restart: string, how = 'exit 3', environment: Record<string, string> = {}): Promise<void> => {
    hive = await TestHive.started(environment);
    runs = join(hive.home, 'runs');
    await hive.addSource('shop', `version: "1"\nservices:\n  web:\n    runner: {type: script, script: {run: '${notesItsStart(runs)}; ${how}'}}\n    restart: ${restart}\n`);
    await hive.client.startService({ source: 'shop' });
  };
  const expectGaps = (expected: readonly number[]): void => {
    const found = gaps(startTimes(runs)).slice(0, expected.length);
    expect(found).toHaveLength(expected.length);
    found.forEach((gap, index) => {
      const wanted = expected[index] ?? 0;
      expect([index, gap, gap >= wanted - earlyMs && gap <= wanted + lateMs]).toEqual([index, gap, true]);
    });
  };
  const crashes = async (): Promise<(number | null)[]> => eventsOf(await journalOf(hive.client), 'service.crashed').map(({ restartInMs }) => restartInMs);

  it('by delays that double up to the longest', async () => {
    await begin('{policy: always, delay: 100ms, max_delay: 800ms}');
    await until(() => (startTimes(runs).length >= 6 ? true : undefined), 'six runs');
    expectGaps([100, 200, 400, 800, 800]);
    expect((await crashes()).slice(0, 5)).toEqual([100, 200, 400, 800, 800]);
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });

  it('by max_restarts, which ends in failed until somebody acts', async () => {
    await begin('{policy: always, delay: 20ms, max_delay: 40ms, max_restarts: 3}');
    const failed = await hive.serviceWhen('shop:web', ({ state }) => state === 'failed');
    expect(failed).toMatchObject({ restarts: 3, wanted: 'up' });
    expect(failed.reason).toMatch(/exited with code 3 after 3 restarts within 60 s, the limit \(max_restarts\)/);
    expect(startTimes(runs)).toHaveLength(4);
    expect(await crashes()).toEqual([20, 40, 40, null]);
    await hive.restartAfterKill();
    expect(await hive.service('shop:web')).toMatchObject({ state: 'failed', restarts: 3 });
    expect(startTimes(runs)).toHaveLength(4);
    await hive.client.startService({ fqn: 'shop:web' });
    await until(() => (startTimes(runs).length === 8 ? true : undefined), 'four more runs');
    await hive.serviceWhen('shop:web', ({ state }) => state === 'failed');
    expect(startTimes(runs)).toHaveLength(8);
  });

  it('through kills in the middle of a backoff: the delay goes on, and does not begin anew', async () => {
    await begin('{policy: on-failure, delay: 30s}');
    const first = await backoffEnds();
    for (let kill = 0; kill < 3; kill += 1) {
      await delay(100);
      await hive.restartAfterKill();
      const now = await backoffEnds();
      expect([now.notBefore <= first.notAfter, first.notBefore <= now.notAfter]).toEqual([true, true]);
    }
    expect(startTimes(runs)).toHaveLength(1);
    expect(await crashes()).toEqual([30_000]);
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });

  /** When a backoff ends, in milliseconds since boot, as exactly as the reason says it (0.1 or 1 s). */
  const backoffEnds = async (): Promise<{ notBefore: number; notAfter: number }> => {
    await hive.serviceWhen('shop:web', ({ state }) => state === 'backoff');
    const before = uptimeMs();
    const { reason } = await hive.service('shop:web');
    const left = Number(/, (\d+) s left$/.exec(reason)?.[1]) * 1_000;
    expect([reason, left]).toEqual([reason, expect.any(Number)]);
    return { notBefore: before + left - 500, notAfter: uptimeMs() + left + 500 };
  };

  it('through kills at any moment: max_restarts counts on, and never one run more', async () => {
    await begin('{policy: always, delay: 150ms, max_delay: 150ms, max_restarts: 6, window: 10m}');
    const random = seededRandom(7);
    for (let kill = 0; kill < 10; kill += 1) {
      await delay(random() * 250);
      await hive.kill();
      if (random() < 0.3) {
        hive.launch();
        await delay(random() * 400);
        await hive.kill();
      }
      await hive.start();
    }
    await hive.serviceWhen('shop:web', ({ state }) => state === 'failed');
    expect(startTimes(runs)).toHaveLength(7);
    for (const gap of gaps(startTimes(runs))) expect(gap).toBeGreaterThanOrEqual(150 - earlyMs);
    const journal = await journalOf(hive.client);
    expect(eventsOf(journal, 'service.crashed').map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 7 }, () => 3));
    expect(orderProblems(journal)).toEqual([]);
  });

  it.each([['an hour', 3_600], ['two hours back', -7_200]])('through a clock that jumps by %s, also while the daemon is dead', async (_what, seconds) => {
    const library = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find((path) => existsSync(path));
    if (library === undefined) return console.log('skipped: faketime is not installed, so no clock can jump');
    const clock = join(process.cwd(), `dist/.clock-${process.pid}`);
    const jump = (to: number): void => writeFileSync(clock, `${to < 0 ? '' : '+'}${to}\n`);
    jump(0);
    await begin('{policy: always, delay: 700ms, max_delay: 10s, max_restarts: 4}', 'sleep 0.4; exit 3', {
      LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1',
    });
    const inBackoff = (run: number): Promise<unknown> => hive.serviceWhen('shop:web', ({ state }) => state === 'backoff' && startTimes(runs).length === run);
    await inBackoff(1);
    jump(seconds);
    await hive.serviceWhen('shop:web', ({ state }) => state === 'running');
    // The clock of the daemon did jump, or all of this would show nothing.
    const { events } = await hive.client.listEvents({ types: ['service.started'], limit: 1 });
    expect(Math.abs(Date.parse((events[0] as { time: string }).time) - Date.now() - seconds * 1_000)).toBeLessThan(60_000);
    await inBackoff(2);
    await hive.kill();
    jump(0);
    await hive.start();
    await hive.serviceWhen('shop:web', ({ state }) => state === 'running');
    // It crashes while nobody watches, and the clock jumps before somebody does: that run was a short one still.
    await hive.kill();
    jump(seconds);
    await until(() => (eventuallyEnded(runs, 3) ? true : undefined), 'the third run to be over');
    await hive.start();
    await inBackoff(3);
    expect((await crashes())).toEqual([700, 1_400, 2_800]);
    await until(() => (startTimes(runs).length === 4 ? true : undefined), 'the fourth run');
    expectGaps([1_100, 1_800, 3_200]);
    await hive.client.stopService({ source: 'shop' });
  });

  it('with 0 restarts after an acknowledged stop, across kills of the daemon, whatever the policy', async () => {
    hive = await TestHive.started();
    runs = join(hive.home, 'runs');
    const clockRuns = join(hive.home, 'clock');
    const service = (name: string, run: string, restart: string): string => `  ${name}:\n    runner: {type: script, script: {run: '${run}'}}\n    restart: {policy: ${restart}, delay: 30ms, max_delay: 30ms}\n    stop: {grace: 300ms}\n`;
    const kinds = { crashes: 'sleep 0.02; exit 3', lives: 'exec sleep 1000', stubborn: 'trap "" TERM; while :; do sleep 0.1; done' };
    const names = policies.flatMap((policy) => Object.keys(kinds).map((kind) => `${kind}-${policy}`));
    await hive.addSource('shop', `version: "1"\nservices:\n${policies.flatMap((policy) => Object.entries(kinds).map(([kind, run]) => service(`${kind}-${policy}`, `${notesItsStart(runs)}; ${run}`, policy))).join('')}`);
    // Crashes by the same delays and is never stopped: when it was restarted several times, so would have been the others.
    await hive.addSource('other', `version: "1"\nservices:\n${service('clock', `${notesItsStart(clockRuns)}; exit 3`, 'always')}`);
    await hive.client.startService({ source: 'other' });
    const more = (count: number): Promise<unknown> => {
      const now = startTimes(clockRuns).length;
      return until(() => (startTimes(clockRuns).length >= now + count ? true : undefined), 'other services to be restarted');
    };
    const allStopped = async (): Promise<void> => {
      for (const name of names) expect(await hive.serviceWhen(`shop:${name}`, ({ state }) => state === 'stopped')).toMatchObject({ wanted: 'down' });
    };
    for (const killed of ['at once', 'when all have stopped'] as const) {
      await hive.client.startService({ source: 'shop' });
      for (const name of names.filter((one) => !one.startsWith('crashes'))) await hive.client.waitForService({ fqn: `shop:${name}`, for: 'running' });
      await more(3);
      await hive.client.stopService({ source: 'shop' });
      if (killed === 'when all have stopped') await allStopped();
      await hive.kill();
      const before = startTimes(runs).length;
      expect(before).toBeGreaterThanOrEqual(names.length);
      for (let kill = 0; kill < 2; kill += 1) {
        await hive.start();
        await more(2);
        await hive.kill();
      }
      await hive.start();
      await allStopped();
      await more(4);
      expect([killed, startTimes(runs).length]).toEqual([killed, before]);
    }
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });
});

/** Whether the nth run, of 0.4 s, must be over by the clock since boot. */
function eventuallyEnded(file: string, nth: number): boolean {
  const started = startTimes(file)[nth - 1];
  return started !== undefined && uptimeMs() > started + 700;
}

function uptimeMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
