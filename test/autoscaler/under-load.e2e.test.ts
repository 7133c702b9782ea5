import { afterEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';
import { PacedLoad } from './paced-load.js';

const program = join(packageRoot(), 'test/fixtures/burns-on-request.mjs');
const port = 30_000 + (process.pid % 2_000);

const home = `
version: "1"
proxy: {bind: ["127.0.0.1:${port}"]}
plugins:
  autoscaler: {check_interval: 500ms, window: 2s}
services: {}
`;

const app = `
version: "1"
services:
  web:
    runner: {type: script, script: {run: 'exec node ${program}'}}
    rollout: {type: rolling, rolling: {ports: {http: auto}}}
    proxy: {path: /}
    healthcheck: {type: http, http: {port: http, path: /, interval: 1s}}
    scale: {min: 1, max: 4, cpu_up: 25%, cpu_down: 10%, cooldown_up: 1s, cooldown_down: 2s}
    restart: {policy: always, delay: 50ms}
`;

describe('under real load', () => {
  let hive: TestHive;
  const loads: PacedLoad[] = [];
  afterEach(async () => {
    await Promise.all(loads.splice(0).map((load) => load.stop()));
    await hive.end();
  });

  const load = (path: string, clients: number, pauseMs: number): PacedLoad => {
    const made = new PacedLoad(port, path, clients, pauseMs);
    loads.push(made);
    return made;
  };

  async function start(): Promise<PacedLoad> {
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), home);
    await hive.start();
    await hive.addSource('app', app);
    await hive.client.startSource({ name: 'app' });
    await hive.serviceWhen('app:web', ({ healthy }) => healthy === true);
    await listening();
    const light = load('/', 1, 20);
    await until(() => (light.answered > 0 ? true : undefined), 'the first answer');
    return light;
  }
  const listening = (): Promise<true> => until(async () => ((await hive.client.status()).proxy.length > 0 ? true : undefined), 'the proxy to listen');
  const several = () => hive.serviceWhen('app:web', ({ instances, scale }) => (scale?.instances ?? 0) >= 2 && instances.length === scale?.instances && instances.every(({ healthy }) => healthy === true), 30_000);
  const one = () => hive.serviceWhen('app:web', ({ instances, scale }) => scale?.instances === 1 && instances.length === 1, 40_000);
  const autoscaler = async (): Promise<number | undefined> => {
    const { plugins } = await hive.client.listPlugins();
    return plugins.find(({ id, state }) => id === 'autoscaler' && state === 'ready')?.pid ?? undefined;
  };
  // 10 ms of work by three clients every 50 ms and more: up to 0.6 of a core.
  const heavyLoad = (): PacedLoad => load('/burn/10', 3, 40);

  it('instances go up, the proxy spreads requests over them, and they come down again, without one failed request', async () => {
    const light = await start();
    const heavy = heavyLoad();
    await several();
    // Those that came do their part.
    await until(() => (heavy.answers.size >= 2 && [...heavy.answers.values()].every((count) => count >= 10) ? true : undefined), 'every instance to have answered');
    await heavy.stop();
    await one();
    await light.stop();
    expect(heavy.failures).toEqual([]);
    expect(light.failures).toEqual([]);

    const events = (await hive.client.listEvents({ types: ['service.scaled'] })).events as unknown as { from: number; to: number; reason: string; cause: unknown }[];
    const ups = events.filter(({ from, to }) => to > from);
    const downs = events.filter(({ from, to }) => to < from);
    expect(events).toHaveLength(ups.length + downs.length);
    for (const { to, cause } of events) {
      expect(to).toBeGreaterThanOrEqual(1);
      expect(to).toBeLessThanOrEqual(4);
      expect(cause).toEqual({ request: 'services.scale', by: 'plugin autoscaler' });
    }
    for (const { reason } of ups) expect(reason).toMatch(/^CPU is at \d+% of a core an instance, above 25%$/);
    for (const { reason } of downs) expect(reason).toMatch(/^CPU is at [\d.]+% of a core an instance, below 10%, for \d.*s$/);
    // Up, then down: never back and forth.
    expect(events.slice(0, ups.length)).toEqual(ups);
  }, 120_000);

  it('the autoscaler and the daemon are killed meanwhile, and what they left is taken up, without one failed request', async () => {
    const light = await start();
    const heavy = heavyLoad();
    process.kill(await until(autoscaler, 'the autoscaler'), 'SIGKILL');
    await several();
    const before = await until(autoscaler, 'the autoscaler to be back');
    process.kill(before, 'SIGKILL');
    await hive.restartAfterKill();
    await until(autoscaler, 'the autoscaler to be back');
    await listening();
    await several();
    await heavy.stop();
    // In the middle of going down, too.
    await until(async () => ((await hive.client.listEvents({ types: ['service.scaled'] })).events.some((event) => Number(event['to']) < Number(event['from'])) ? true : undefined), 'the first to go', 40_000);
    await hive.restartAfterKill();
    await one();
    await light.stop();
    expect(heavy.failures).toEqual([]);
    expect(light.failures).toEqual([]);
    for (const event of (await hive.client.listEvents({ types: ['service.scaled'] })).events) {
      expect(Number(event['to'])).toBeGreaterThanOrEqual(1);
      expect(Number(event['to'])).toBeLessThanOrEqual(4);
    }
  }, 120_000);
});
