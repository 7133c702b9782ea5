import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Load } from '../../examples/deploys/load/load.js';
import { kinds } from '../../examples/deploys/load/exchanges.js';
import { StackUnderLoad, type StackOptions } from '../support/stack-under-load.js';
import { until } from '../support/until.js';

/** Deploys of both strategies together, and kills of each kind; both can be raised. docs/proxy.md has the figures of 100 and more. */
const deploys = Number(process.env['HIVE_DEPLOYS'] ?? 12);
const kills = Number(process.env['HIVE_KILLS'] ?? 2);
const patienceMs = 60_000 + 2_000 * Math.max(deploys, 10 * kills);

let stack: StackUnderLoad;
let load: Load | null = null;

afterEach(async () => {
  await load?.stop();
  load = null;
  await stack.hive.end();
});

async function start(options: StackOptions): Promise<Load> {
  stack = await StackUnderLoad.started(options);
  return (load = stack.load());
}

/** Nothing failed, and every kind of client had something to do. */
async function expectNothingFailed(of: Load): Promise<void> {
  const { failures, done } = await of.stop();
  expect(failures).toEqual([]);
  for (const kind of kinds) expect([kind, done[kind] > 0]).toEqual([kind, true]);
}

/** Deploys until `kill` was done often enough, each at a random moment. */
async function deployWhileKilling(kill: () => Promise<void>, mostPauseMs: number): Promise<number> {
  let isOver = false;
  const deploying = (async () => {
    let count = 0;
    for (; !isOver; count += 1) await stack.deploy();
    return count;
  })();
  deploying.catch(() => undefined);
  for (let done = 0; done < kills; done += 1) {
    await delay(Math.random() * mostPauseMs);
    await kill();
  }
  isOver = true;
  return deploying;
}

describe('promise 14: deploys drop nothing', () => {
  it.each([['blue-green', Math.ceil(deploys / 2)], ['rolling', Math.floor(deploys / 2)]] as const)('%s: %d deploys under load', async (strategy, count) => {
    const asking = await start({ strategy, workers: 2 });
    for (let deploy = 0; deploy < count; deploy += 1) await stack.deploy();
    expect(await stack.answer()).toBe(`v${count}`);
    await expectNothingFailed(asking);
  }, patienceMs);

  it('the daemon is killed at a random moment of each deploy', async () => {
    const asking = await start({ strategy: 'blue-green' });
    for (let kill = 0; kill < kills; kill += 1) {
      const version = await stack.begin();
      await delay(Math.random() * 500);
      await stack.hive.restartAfterKill();
      await stack.proxyListens();
      await stack.finished();
      await stack.hive.serviceWhen('app:web', ({ healthy, instances }) => healthy === true && instances.length === 2);
      expect(await stack.answer()).toBe(`v${version}`);
    }
    await expectNothingFailed(asking);
  }, patienceMs);

  it('a WebSocket goes on at the old colour until the drain limit, longer than a stop may take, and through the death of the daemon', async () => {
    const drainMs = 4_000;
    stack = await StackUnderLoad.started({ strategy: 'blue-green', drain: `${drainMs}ms`, grace: '500ms' });
    const socket = new WebSocket(`ws://127.0.0.1:${stack.port}/`);
    await once(socket, 'open');
    const echo = async (text: string): Promise<void> => {
      socket.send(text);
      expect(String(((await once(socket, 'message')) as [Buffer])[0])).toBe(text);
    };
    await stack.begin();
    await until(async () => ((await stack.answer()) === 'v1' ? true : undefined), 'the new colour to answer');
    const switchedAt = performance.now();
    await echo('after the switch');
    await stack.hive.restartAfterKill();
    await stack.proxyListens();
    await delay(1_500);
    await echo('after more than the grace of a stop');
    expect((await stack.hive.service('app:web')).rollout.phase).toMatch(/^draining and stopping/);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1006);
    expect(performance.now() - switchedAt).toBeGreaterThan(drainMs - 500);
    await stack.finished();
    await stack.hive.serviceWhen('app:web', ({ instances }) => instances.length === 2);
  }, patienceMs);

  it.each([
    ['the plugin host', 'rolling', () => stack.pluginHost()],
    ['the proxy plugin', 'blue-green', () => stack.proxyPlugin()],
  ] as const)('%s is killed at random (%s)', async (_, strategy, pidNow) => {
    const asking = await start({ strategy });
    const made = await deployWhileKilling(async () => {
      const pid = await pidNow();
      process.kill(pid, 'SIGKILL');
      await until(async () => ((await pidNow()) === pid ? undefined : true), 'another one');
    }, 500);
    expect(made).toBeGreaterThan(0);
    await expectNothingFailed(asking);
  }, patienceMs);

  it.each([1, 2])('one of %d workers of the proxy is killed at random: what it had in hand at most is lost, and nobody refused', async (workers) => {
    const asking = await start({ strategy: 'blue-green', workers });
    const made = await deployWhileKilling(async () => {
      const present = await until(() => (stack.workers().length === workers ? stack.workers() : undefined), 'all workers to be there');
      // One that lives for less than a second is started again after a pause.
      await delay(1_100);
      process.kill(present[Math.floor(Math.random() * present.length)] as number, 'SIGKILL');
      await until(() => (stack.workers().join() !== present.join() ? true : undefined), 'the worker to be gone');
    }, 300);
    expect(made).toBeGreaterThan(0);
    const { failures, done } = await asking.stop();
    expect(failures.filter(({ refused }) => refused)).toEqual([]);
    expect(failures.length).toBeLessThanOrEqual(asking.clients * kills);
    for (const kind of kinds) expect(done[kind]).toBeGreaterThan(0);
    const before = asking.total;
    // What came later than the last kill is as good as ever.
    load = stack.load();
    await delay(300);
    expect((await load.stop()).failures).toEqual([]);
    expect(before).toBeGreaterThan(0);
  }, patienceMs);
});
