import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { dropFolder } from '../plugins/drop-in.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const name = 'dies-between-effect-and-ack';
const restless = JSON.stringify({ backoffFirstMs: 1, backoffLongestMs: 1, quarantineAfter: 1_000_000, settleMs: 50 });

interface Delivered {
  readonly events: number[];
  readonly missing: [from: number, to: number][];
  /** By gap: what the snapshot that followed it at once said of services; null: there was none. */
  readonly snapshots: (string | null)[];
}

/** What the plugin wrote down, in the order in which it came. */
function delivered(hive: TestHive): Delivered {
  const path = join(hive.home, 'plugin-data', name, 'seen');
  const events: number[] = [];
  const missing: [number, number][] = [];
  const snapshots: (string | null)[] = [];
  let isAfterGap = false;
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    const [word, ...rest] = line.split(' ');
    if (isAfterGap) snapshots.push(word === 'snapshot' ? rest.join(' ') : null);
    isAfterGap = word === 'gap';
    if (isAfterGap) missing.push(rest.map(Number) as [number, number]);
    else if (line !== '' && word !== 'snapshot') events.push(Number(line));
  }
  return { events, missing, snapshots };
}

const deaths = (hive: TestHive): number => {
  const path = join(hive.home, 'plugin-data', name, 'deaths');
  return existsSync(path) ? readFileSync(path, 'utf8').length : 0;
};

/** Waits for so many deaths. A run that survives all its events leaves silence behind: then it is started anew, which makes some. */
async function untilDeaths(hive: TestHive, count: number): Promise<void> {
  let counted = 0;
  let since = performance.now();
  await until(async () => {
    const now = deaths(hive);
    if (now >= count) return true;
    if (now > counted) { counted = now; since = performance.now(); }
    if (performance.now() - since > 700) {
      since = performance.now();
      await hive.client.restartPlugin({ plugin: name }).catch(() => undefined);
    }
    return undefined;
  }, `${count} deaths`, 120_000);
}

function install(hive: TestHive): void {
  dropFolder(join(hive.home, 'plugins'), name, { command: ['node', join(packageRoot(), 'test/fixtures/plugins', `${name}.mjs`)], activation: 'always' });
}

/** Everything from its first event on was delivered or declared missing, and nothing came before its time. */
function expectComplete({ events, missing }: Delivered, upTo: number): void {
  const first = Math.min(...events, ...missing.map(([from]) => from));
  const reached = new Set(events);
  for (const [from, to] of missing) for (let seq = from; seq <= to; seq++) reached.add(seq);
  for (let seq = first; seq <= upTo; seq++) if (!reached.has(seq)) throw new Error(`Event ${seq} of ${first} to ${upTo} never came.`);
  let newest = 0;
  for (const seq of events) {
    if (seq > newest + 1 && newest !== 0 && !missing.some(([from, to]) => from <= newest + 1 && to >= seq - 1)) throw new Error(`Event ${seq} came after ${newest}.`);
    newest = Math.max(newest, seq);
  }
}

describe('promise 10: a plugin gets every event, or is told which ones it does not get', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  it('is killed 200 times between effect and acknowledgement, and the daemon 10 times: delivered ∪ gap = journal', async () => {
    // Each death makes events of its own: started, ready, crashed.
    hive = await TestHive.started({ HIVE_PLUGIN_TIMINGS: restless });
    install(hive);
    for (let kill = 1; kill <= 10; kill++) {
      await untilDeaths(hive, kill * 20);
      await hive.restartAfterKill();
    }
    writeFileSync(join(hive.home, 'plugin-data', name, 'live'), '');
    const { journal } = await hive.client.status();
    const last = await until(async () => {
      const { seq } = (await hive.client.status()).journal;
      const found = (await hive.client.listPlugins()).plugins.find(({ id }) => id === name);
      return seq > journal.seq && found?.state === 'ready' && found.lastAck === seq ? seq : undefined;
    }, 'everything to be acknowledged');
    const got = delivered(hive);
    expectComplete(got, last);
    expect(got.missing).toEqual([]);
    expect(deaths(hive)).toBeGreaterThanOrEqual(200);
  }, 400_000);

  it('was away for longer than the journal remembers: is told what is missing, and goes on from there', async () => {
    hive = await TestHive.started({ HIVE_PLUGIN_TIMINGS: restless, HIVE_JOURNAL_EVENTS: '20' });
    install(hive);
    const plugin = { plugin: name };
    await untilDeaths(hive, 1);
    writeFileSync(join(hive.home, 'plugin-data', name, 'live'), '');
    await until(async () => ((await hive.client.getPlugin(plugin)).state === 'ready' ? true : undefined), 'it to be ready');
    await hive.client.disablePlugin(plugin);
    await until(async () => ((await hive.client.getPlugin(plugin)).pid === null ? true : undefined), 'it to be off');
    await hive.addSource('busy', 'version: "1"\nservices:\n  job: {runner: {type: script, script: {run: "sleep 1000"}}, restart: never}\n');
    for (let round = 0; round < 20; round++) {
      await hive.client.startService({ fqn: 'busy:job' });
      await hive.serviceWhen('busy:job', ({ state }) => state === 'running');
      await hive.client.stopService({ fqn: 'busy:job' });
      await hive.serviceWhen('busy:job', ({ state }) => state === 'stopped');
    }
    await hive.client.enablePlugin(plugin);
    const last = await until(async () => {
      const { seq } = (await hive.client.status()).journal;
      const { state, lastAck } = await hive.client.getPlugin(plugin);
      return state === 'ready' && lastAck === seq ? seq : undefined;
    }, 'everything to be acknowledged');
    const got = delivered(hive);
    expect(got.missing).toHaveLength(1);
    expect(got.snapshots).toEqual(['busy:job']);
    expectComplete(got, last);
  }, 120_000);
});
