import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { orderProblems } from '../support/event-order.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { markedInProc } from '../support/marked-in-proc.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const graceMs = 500;
const withinMs = graceMs + 2_000;

/** Fixtures that resist, with how many processes each has once it is up. */
const resisting = {
  'forks-grandchild': 2,
  'ignores-term': 2,
  'ignores-term-and-forks': 3,
  'hands-over-when-dying': 1,
  'closes-stdio': 1,
} as const;
const names = Object.keys(resisting) as (keyof typeof resisting)[];

describe(`promise 5: a stop leaves nothing behind, within the grace period and 2 s`, () => {
  let hive: TestHive;
  const mark = `hive-test-mark-${randomUUID()}`;
  afterEach(async () => {
    await hive.end();
    expect(markedInProc(mark)).toEqual([]);
  });

  const config = (fixture: string, restart = 'always'): { runner: unknown; restart: string; stop: unknown; environment: unknown } => ({
    runner: { type: 'script', script: { run: `exec ${join(packageRoot(), 'test/fixtures', `${fixture}.sh`)}` } },
    restart,
    stop: { grace: `${graceMs}ms` },
    environment: { static: { MARK: `${mark}-${fixture}.`, GRANDCHILD_FILE: join(hive.home, `grandchild-of-${fixture}`) } },
  });
  const stack = (): string => JSON.stringify({ version: '1', services: Object.fromEntries(names.map((name) => [name, config(name)])) });
  const allUp = (source: string, runs = 1): Promise<unknown> => Promise.all(names.map((name) => until(async () => {
    const { lines } = await hive.client.getLogs({ fqn: `${source}:${name}`, lines: 10, stream: 'stdout' });
    return lines.length === runs && markedInProc(`${mark}-${name}.`).length >= resisting[name] ? true : undefined;
  }, `${name} to be up`)));
  const startAll = async (): Promise<void> => {
    hive = await TestHive.started();
    await hive.addSource('bad', stack());
    await hive.client.startService({ source: 'bad' });
    await allUp('bad');
    expect(markedInProc(mark).length).toBeGreaterThanOrEqual(Object.values(resisting).reduce((sum, count) => sum + count, 0));
  };

  it('by services.stop: double forks, new sessions, ignored SIGTERM, forks while dying', async () => {
    await startAll();
    await Promise.all(names.map(async (name) => {
      const began = performance.now();
      await hive.client.stopService({ fqn: `bad:${name}` });
      await hive.client.waitForService({ fqn: `bad:${name}`, for: 'stopped' });
      expect([name, performance.now() - began < withinMs]).toEqual([name, true]);
    }));
    expect(markedInProc(mark)).toEqual([]);
    const journal = await journalOf(hive.client);
    expect(eventsOf(journal, 'service.stopped').map(({ service }) => service).sort()).toEqual(names.map((name) => `bad:${name}`).sort());
    expect(orderProblems(journal)).toEqual([]);
  });

  it('by source.remove, which answers only then', async () => {
    await startAll();
    const began = performance.now();
    await hive.client.removeSource({ name: 'bad' });
    expect(performance.now() - began).toBeLessThan(withinMs);
    expect(markedInProc(mark)).toEqual([]);
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });

  it('by services.delete, which answers only then', async () => {
    hive = await TestHive.started();
    for (const name of names) await hive.client.createService({ source: 'cocoons', name, config: config(name) });
    await hive.client.startService({ source: 'cocoons' });
    await allUp('cocoons');
    const began = performance.now();
    await Promise.all(names.map((name) => hive.client.deleteService({ fqn: `cocoons:${name}` })));
    // Deletions from one database go one after the other.
    expect(performance.now() - began).toBeLessThan(names.length * withinMs);
    expect(markedInProc(mark)).toEqual([]);
    expect((await hive.client.listServices()).services).toEqual([]);
  });

  it('by a shutdown, and by a stop in the middle of which the daemon is killed', async () => {
    await startAll();
    await hive.client.stopService({ source: 'bad' });
    await hive.serviceWhen('bad:ignores-term', ({ state }) => state === 'stopping');
    await hive.kill();
    await hive.start();
    await Promise.all(names.map((name) => hive.client.waitForService({ fqn: `bad:${name}`, for: 'stopped' })));
    expect(markedInProc(mark)).toEqual([]);

    await hive.client.startService({ source: 'bad' });
    await allUp('bad', 2);
    const began = performance.now();
    expect(await hive.shutdown()).toBe(0);
    expect(performance.now() - began).toBeLessThan(withinMs + 1_000);
    expect(markedInProc(mark)).toEqual([]);
  });

  it('when a service ends by itself, also while the daemon is dead', async () => {
    hive = await TestHive.started();
    const leaver = config('leaves-holders-of-stdout', 'never');
    await hive.addSource('bad', JSON.stringify({ version: '1', services: { now: leaver, later: leaver } }));
    const nothingLeft = (): Promise<true> => until(() => (markedInProc(mark).length === 0 ? true : undefined), 'everything to be swept away', withinMs);
    await hive.client.startService({ fqn: 'bad:now' });
    await hive.serviceWhen('bad:now', ({ state }) => state === 'failed');
    await nothingLeft();

    await hive.client.startService({ fqn: 'bad:later' });
    await hive.client.waitForService({ fqn: 'bad:later', for: 'running' });
    await hive.kill();
    await until(() => (markedInProc(mark).length === 2 ? true : undefined), 'the service to end and its heirs to stay');
    // Killed again at any moment of taking that up.
    for (const afterMs of [0, 150, 250, 300]) {
      hive.launch();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await hive.kill();
    }
    await hive.start();
    expect((await hive.serviceWhen('bad:later', ({ state }) => state === 'failed')).instances[0]?.lastExit).toMatchObject({ code: 3 });
    await nothingLeft();
  });

  it('in the reverse order of dependencies', async () => {
    hive = await TestHive.started();
    const slow = "runner: {type: script, script: {run: 'trap \"sleep 0.3; exit 0\" TERM; while :; do sleep 0.05; done'}}";
    await hive.addSource('shop', `version: "1"
services:
  db: {${slow}}
  cache: {${slow}}
  api: {${slow}, depends_on: [db, cache]}
  web: {${slow}, depends_on: [api]}
  alone: {${slow}}
`);
    await hive.client.startService({ source: 'shop' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    await hive.client.waitForService({ fqn: 'shop:alone', for: 'running' });
    const began = performance.now();
    await hive.shutdown();
    const tookMs = performance.now() - began;
    await hive.start();
    const journal = await journalOf(hive.client);
    const end = journal.findIndex(({ type }) => type === 'daemon.shutdown');
    const order = eventsOf(journal.slice(0, end), 'service.stopped').map(({ service }) => service.slice('shop:'.length));
    expect([...order].sort()).toEqual(['alone', 'api', 'cache', 'db', 'web']);
    const place = (name: string): number => order.indexOf(name);
    expect(place('web')).toBeLessThan(place('api'));
    expect(place('api')).toBeLessThan(Math.min(place('db'), place('cache')));
    // Three steps of 0.3 s, not five: what does not depend on each other stops at the same time.
    expect(tookMs).toBeGreaterThan(900);
    expect(place('alone')).toBeLessThan(place('api'));
    expect(orderProblems(journal)).toEqual([]);
  });
});
