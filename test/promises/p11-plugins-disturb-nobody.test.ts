import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import type { HiveEvent } from '../../shared/protocol/events.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { dropFixture } from '../plugins/drop-in.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { expectQuick, measureCalls } from '../support/measure-calls.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** Quick verdicts, but time enough for an interpreter to start on a busy machine; the waits between restarts stay as they ship, but for the longest. */
const quick = JSON.stringify({ pingIntervalMs: 300, secondChanceMs: 600, readyWithinMs: 3_000, backoffLongestMs: 500, settleMs: 50, exitMs: 300, inspectMs: 200 });
const services = ['work:a', 'work:b'];
const neighbour = 'behaves';

const bad: [name: string, reason: RegExp][] = [
  ['crashes-at-start', /exited with code 7/],
  ['never-speaks', /did not say within 3 s that it is ready/],
  ['hangs-in-init', /did not say within 3 s that it is ready/],
  ['ignores-pings', /answered no ping/],
  ['sends-garbage', /broke the rules of its link/],
  ['sends-huge-frames', /broke the rules of its link/],
  ['floods-without-reading', /broke the rules of its link|answered no ping/],
  ['leaks-memory', /of memory, more than its limit of 100 MB/],
  ['holds-stdout-in-grandchild', /exited with code 5/],
  ['forks-and-exits', /exited with code 0/],
];

describe('promise 11: plugins that misbehave disturb nobody', () => {
  let hive: TestHive;
  let pids: (number | undefined)[];
  let neighbourPid: number | null;

  const find = async (id: string): Promise<Plugin | undefined> => (await hive.client.listPlugins()).plugins.find((plugin) => plugin.id === id);
  const when = (id: string, state: Plugin['state']): Promise<Plugin> =>
    until(async () => { const found = await find(id); return found?.state === state ? found : undefined; }, `${id} to be ${state}`, 60_000);
  const pidsOfServices = async (): Promise<(number | undefined)[]> =>
    (await Promise.all(services.map((fqn) => hive.service(fqn)))).map(({ instances }) => instances[0]?.pid);

  beforeAll(async () => {
    hive = await TestHive.started({ HIVE_PLUGIN_TIMINGS: quick });
    await hive.addSource('work', 'version: "1"\nservices:\n  a: {runner: {type: script, script: {run: "sleep 1000"}}, restart: always}\n  b: {runner: {type: script, script: {run: "sleep 1000"}}, restart: always}\n');
    await hive.client.startService({ source: 'work' });
    for (const fqn of services) await hive.serviceWhen(fqn, ({ state }) => state === 'running');
    pids = await pidsOfServices();
    dropFixture(join(hive.home, 'plugins'), neighbour);
    neighbourPid = (await when(neighbour, 'ready')).pid;
  });
  afterAll(() => hive.end());

  it.each(bad)('%s is restarted, then quarantined; calls stay quick, services and other plugins keep running', async (name, reason) => {
    const stopMeasuring = await measureCalls(hive.home);
    dropFixture(join(hive.home, 'plugins'), name, { memoryLimit: '100MB' });
    const ended = await when(name, 'quarantined');
    expectQuick(await stopMeasuring());

    expect(ended).toMatchObject({ restarts: 4, pid: null });
    expect(ended.reason).toMatch(reason);
    const events = (await journalOf(hive.client)).filter((event) => 'plugin' in event && event.plugin === name);
    expect(eventsOf(events, 'plugin.crashed')).toHaveLength(5);
    expect(eventsOf(events, 'plugin.quarantined')).toHaveLength(1);
    expect(median(restartTimes(events))).toBeLessThan(1_000);
    expect(await find(neighbour)).toMatchObject({ state: 'ready', pid: neighbourPid, restarts: 0 });
    expect(await pidsOfServices()).toEqual(pids);
  }, 120_000);

  it('a flood that never ends does not slow others down', async () => {
    dropFixture(join(hive.home, 'plugins'), 'floods-requests');
    await when('floods-requests', 'ready');
    const stopMeasuring = await measureCalls(hive.home);
    await delay(3_000);
    expectQuick(await stopMeasuring());
    expect(await pidsOfServices()).toEqual(pids);
    await hive.client.disablePlugin({ plugin: 'floods-requests' });
    await until(async () => ((await find('floods-requests'))?.pid === null ? true : undefined), 'the flood to end');
  }, 60_000);
});

/** From each crash to the next start, in milliseconds. */
function restartTimes(events: readonly HiveEvent[]): number[] {
  const startedAt = eventsOf(events, 'plugin.started').map(({ time }) => Date.parse(time));
  return eventsOf(events, 'plugin.crashed').slice(0, -1).map(({ time }, index) => (startedAt[index + 1] ?? Infinity) - Date.parse(time));
}

/** One start that a busy machine delays is not Hive's; the half of them is. */
function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Infinity;
}
