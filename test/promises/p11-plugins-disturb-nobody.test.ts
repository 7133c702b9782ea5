import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { DaemonClient } from '../../shared/client/index.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { dropFixture } from '../plugins/drop-in.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** Quick verdicts; the waits between restarts stay as they ship, but for the longest. */
const quick = JSON.stringify({ pingIntervalMs: 500, secondChanceMs: 1_000, readyWithinMs: 2_000, backoffLongestMs: 1_000, settleMs: 50 });

const bad = [
  'crashes-at-start', 'never-speaks', 'hangs-in-init', 'ignores-pings', 'sends-garbage', 'sends-huge-frames', 'floods-without-reading',
  'leaks-memory', 'holds-stdout-in-grandchild', 'forks-and-exits',
];

describe('promise 11: plugins that misbehave disturb nobody', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  it.each(bad)('%s is restarted, then quarantined; calls stay quick and services keep running', async (name) => {
    hive = await TestHive.started({ HIVE_PLUGIN_TIMINGS: quick });
    await hive.addSource('work', 'version: "1"\nservices:\n  a: {runner: {type: script, script: {run: "sleep 1000"}}, restart: always}\n  b: {runner: {type: script, script: {run: "sleep 1000"}}, restart: always}\n');
    await hive.client.startService({ source: 'work' });
    const before = await Promise.all(['work:a', 'work:b'].map((fqn) => hive.serviceWhen(fqn, ({ state }) => state === 'running')));
    dropFixture(join(hive.home, 'plugins'), 'behaves');
    const seen = (id: string) => async (): Promise<Plugin | undefined> => (await hive.client.listPlugins()).plugins.find((plugin) => plugin.id === id);
    const neighbour = await until(async () => { const found = await seen('behaves')(); return found?.state === 'ready' ? found : undefined; }, 'the neighbour to be ready');

    const calls = measureCalls(hive.home);
    dropFixture(join(hive.home, 'plugins'), name, { memoryLimit: '100MB' });
    const ended = await until(async () => { const found = await seen(name)(); return found?.state === 'quarantined' ? found : undefined; }, `${name} to be quarantined`, 60_000);
    const p99 = await (await calls)();
    expect(p99).toBeLessThan(50);
    expect(ended).toMatchObject({ restarts: 4, pid: null });
    expect(await seen('behaves')()).toMatchObject({ state: 'ready', pid: neighbour.pid, restarts: 0 });
    const after = await Promise.all(['work:a', 'work:b'].map((fqn) => hive.service(fqn)));
    expect(after.map(({ instances }) => instances[0]?.pid)).toEqual(before.map(({ instances }) => instances[0]?.pid));
  }, 120_000);

  it('a flood that never ends does not slow others down', async () => {
    hive = await TestHive.started({ HIVE_PLUGIN_TIMINGS: quick });
    dropFixture(join(hive.home, 'plugins'), 'floods-requests');
    await until(async () => ((await hive.client.listPlugins()).plugins.some(({ id, state }) => id === 'floods-requests' && state === 'ready') ? true : undefined), 'the flood to begin');
    const stop = await measureCalls(hive.home);
    await delay(3_000);
    expect(await stop()).toBeLessThan(50);
  }, 60_000);
});

/** Asks for the status, again and again, until told to stop; answers the 99th percentile in milliseconds. */
async function measureCalls(home: string): Promise<() => Promise<number>> {
  const client = await DaemonClient.connect({ home });
  const took: number[] = [];
  let isMeasuring = true;
  const measuring = (async () => {
    while (isMeasuring) {
      const before = performance.now();
      await client.status();
      took.push(performance.now() - before);
      await delay(2);
    }
  })();
  return async () => {
    isMeasuring = false;
    await measuring;
    client.close();
    took.sort((one, other) => one - other);
    return took[Math.floor(took.length * 0.99)] ?? Infinity;
  };
}
