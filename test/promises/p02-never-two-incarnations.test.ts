import { afterEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { orderProblems } from '../support/event-order.js';
import { journalOf } from '../support/journal.js';
import { seededRandom } from '../support/seeded-random.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const sleeper = "runner: {type: script, script: {run: 'exec sleep 1000'}}\n    restart: {policy: always, delay: 50ms}\n    stop: {grace: 1s}";
const stack = (...names: string[]): string => `version: "1"\nservices:\n${names.map((name) => `  ${name}:\n    ${sleeper}\n`).join('')}`;

describe('promise 2: never two incarnations of an instance', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  const stateFiles = (): string[] => readdirSync(hive.home).filter((name) => name.startsWith('state.db'));
  const pidOf = async (fqn: string): Promise<number | undefined> => (await hive.service(fqn)).instances[0]?.pid;
  const living = (): Record<string, number> => {
    const { pids, doubled } = servicesInProc(hive.home);
    expect(doubled).toEqual([]);
    return Object.fromEntries([...pids].sort());
  };
  /** They run, and have got as far as to be known by the kernel under their names. */
  const allRunning = async (...fqns: string[]): Promise<void> => {
    for (const fqn of fqns) {
      const { instances } = await hive.serviceWhen(fqn, ({ state }) => state === 'running');
      await until(() => (servicesInProc(hive.home).pids.get(fqn) === instances[0]?.pid ? true : undefined), `${fqn} to be the process that it is said to be`);
    }
  };

  it('with state.db deleted under running services: the same processes are taken over', async () => {
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), stack('a', 'b'));
    await hive.start();
    const folder = await hive.addSource('shop', stack('c', 'd'));
    await hive.client.startService({ source: 'shop' });
    await allRunning('default:a', 'default:b', 'shop:c', 'shop:d');
    const before = living();
    expect(Object.keys(before)).toEqual(['default:a', 'default:b', 'shop:c', 'shop:d']);

    await hive.kill();
    for (const name of stateFiles()) rmSync(join(hive.home, name));
    await hive.start();
    await allRunning('default:a', 'default:b');
    expect(await pidOf('default:a')).toBe(before['default:a']);

    // The source is not registered any more, and nobody has said that its services shall stop: they run on.
    expect((await hive.client.listSources()).sources.map(({ name }) => name)).toEqual(['default']);
    expect(living()).toEqual(before);
    await hive.restartAfterKill();
    expect(living()).toEqual(before);
    await hive.client.addSource({ path: folder, name: 'shop' });
    await allRunning('shop:c', 'shop:d');
    expect(await hive.service('shop:c')).toMatchObject({ wanted: 'up', restarts: 0 });
    expect(living()).toEqual(before);

    await hive.client.stopService({ source: 'shop' });
    await hive.client.waitForService({ fqn: 'shop:c', for: 'stopped' });
    await hive.restartAfterKill();
    expect(await hive.service('shop:c')).toMatchObject({ state: 'stopped', wanted: 'down' });
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });

  it('stops what it found of a source that is not known, when it stops everything', async () => {
    hive = await TestHive.started();
    await hive.addSource('shop', stack('c'));
    await hive.client.startService({ source: 'shop' });
    await allRunning('shop:c');
    await hive.kill();
    for (const name of stateFiles()) rmSync(join(hive.home, name));
    await hive.start();
    expect(Object.keys(living())).toEqual(['shop:c']);
    expect(await hive.shutdown()).toBe(0);
    expect(living()).toEqual({});
  });

  it('with yesterday\'s state.db put back: what was started, restarted and added since is taken over', async () => {
    hive = await TestHive.started();
    await hive.addSource('shop', stack('same', 'restarted', 'stopped', 'started'));
    for (const name of ['same', 'restarted', 'stopped']) await hive.client.startService({ fqn: `shop:${name}` });
    await allRunning('shop:same', 'shop:restarted', 'shop:stopped');
    await hive.kill();
    const yesterday = join(hive.home, 'yesterday');
    mkdirSync(yesterday);
    for (const name of stateFiles()) cpSync(join(hive.home, name), join(yesterday, name));

    await hive.start();
    const old = await pidOf('shop:restarted');
    await hive.client.restartService({ fqn: 'shop:restarted' });
    await hive.serviceWhen('shop:restarted', ({ state, instances }) => state === 'running' && instances[0]?.pid !== old);
    await hive.client.stopService({ fqn: 'shop:stopped' });
    await hive.client.waitForService({ fqn: 'shop:stopped', for: 'stopped' });
    await hive.client.startService({ fqn: 'shop:started' });
    await allRunning('shop:restarted');
    await hive.addSource('new', stack('one'));
    await hive.client.startService({ source: 'new' });
    await allRunning('shop:started', 'new:one');
    const today = living();
    await hive.kill();

    for (const name of stateFiles()) rmSync(join(hive.home, name));
    for (const name of readdirSync(yesterday)) cpSync(join(yesterday, name), join(hive.home, name));
    await hive.start();
    // Yesterday it was wanted up, and what has happened to it since is not known.
    await allRunning('shop:same', 'shop:restarted', 'shop:started', 'shop:stopped');
    const { 'shop:stopped': again, ...others } = living();
    expect(others).toEqual(today);
    expect(again).toBe(await pidOf('shop:stopped'));
    expect(await hive.service('shop:started')).toMatchObject({ wanted: 'up', restarts: 0 });
    await hive.client.addSource({ path: join(hive.home, 'projects/new'), name: 'new' });
    await allRunning('new:one');
    expect(await pidOf('new:one')).toBe(today['new:one']);
    expect((await journalOf(hive.client)).map(({ seq }) => seq)).toEqual((await journalOf(hive.client)).map((_event, index) => index + 1));
  });

  it('under floods of starts, stops and restarts from many clients, and the last word holds', async () => {
    hive = await TestHive.started();
    const names = ['a', 'b', 'c', 'd'];
    await hive.addSource('shop', stack(...names));
    const random = seededRandom(2);
    const call = (fqn: string): Promise<unknown> => {
      const dice = random();
      if (dice < 0.4) return hive.client.startService({ fqn });
      return dice < 0.7 ? hive.client.restartService({ fqn }) : hive.client.stopService({ fqn });
    };
    const observed = { doubled: [] as string[], looks: 0, over: false };
    const observer = (async () => {
      for (; !observed.over; observed.looks += 1) {
        observed.doubled.push(...servicesInProc(hive.home).doubled);
        await delay(3);
      }
    })();
    for (let round = 0; round < 12; round += 1) {
      const calls = Array.from({ length: 100 }, (_, n) => call(`shop:${names[n % names.length]}`));
      if (round % 3 === 0) calls.push(hive.client.startService({ source: 'shop' }), hive.client.restartService({ source: 'shop' }));
      if (round === 5) {
        await delay(20);
        await hive.kill();
        await Promise.allSettled(calls);
        await hive.start();
      } else await Promise.all(calls);
      await delay(random() * 40);
    }
    for (const name of ['a', 'b']) await hive.client.stopService({ fqn: `shop:${name}` });
    for (const name of ['c', 'd']) await hive.client.startService({ fqn: `shop:${name}` });
    await until(() => (Object.keys(living()).join() === 'shop:c,shop:d' ? true : undefined), 'the last word to be done');
    observed.over = true;
    await observer;
    expect(observed.doubled).toEqual([]);
    expect(observed.looks).toBeGreaterThan(50);
    for (const name of ['a', 'b']) expect(await hive.client.waitForService({ fqn: `shop:${name}`, for: 'stopped' })).toMatchObject({ wanted: 'down' });
    for (const name of ['c', 'd']) expect(await hive.client.waitForService({ fqn: `shop:${name}`, for: 'running' })).toMatchObject({ wanted: 'up' });
    expect(Object.keys(living())).toEqual(['shop:c', 'shop:d']);
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });

  it('of a service that is taken out of its file and put back while it is being stopped', async () => {
    hive = await TestHive.started();
    const slow = "  slow:\n    runner: {type: script, script: {run: 'trap \"\" TERM; while :; do sleep 0.2; done'}}\n    restart: always\n    stop: {grace: 700ms}\n";
    const folder = await hive.addSource('shop', `${stack('a')}${slow}`);
    await hive.client.startService({ source: 'shop' });
    await allRunning('shop:a', 'shop:slow');
    const first = await pidOf('shop:slow');
    const a = await pidOf('shop:a');
    writeFileSync(join(folder, '.adi/hive.yaml'), stack('a'));
    await hive.client.reloadSource({ name: 'shop' });
    await hive.serviceWhen('shop:slow', ({ state }) => state === 'stopping');
    writeFileSync(join(folder, '.adi/hive.yaml'), `${stack('a')}${slow}`);
    await hive.client.reloadSource({ name: 'shop' });
    const back = await hive.serviceWhen('shop:slow', ({ state, instances }) => state === 'running' && instances[0]?.pid !== first);
    expect(back.wanted).toBe('up');
    await allRunning('shop:slow');
    expect(living()).toEqual({ 'shop:a': a, 'shop:slow': back.instances[0]?.pid });

    writeFileSync(join(folder, '.adi/hive.yaml'), stack('a'));
    await hive.client.reloadSource({ name: 'shop' });
    await until(async () => ((await hive.client.listServices({ source: 'shop' })).services.length === 1 ? true : undefined), 'the service to be gone');
    expect(living()).toEqual({ 'shop:a': a });
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });
});
