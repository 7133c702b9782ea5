import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../shared/package-root.js';
import type { HiveEvent } from '../../shared/protocol/events.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const sleeps = 'runner: {type: script, script: {run: exec sleep 1000}}';
const file = (services: Readonly<Record<string, string>>): string =>
  `version: "1"\nservices:\n${Object.entries(services).map(([name, body]) => `  ${name}: {${body}}`).join('\n')}\n`;
const whileThere = (name: string): string => `healthcheck: {type: cmd, cmd: {command: test -e ${name}, interval: 30ms, retries: 1}}`;

let hive: TestHive;
let folder: string;
beforeEach(async () => {
  hive = await TestHive.started();
});
afterEach(() => hive.end());

/** A source that is up, with the file that its health checks look for. */
async function up(services: Readonly<Record<string, string>>, name = 'shop'): Promise<void> {
  folder = hive.writeSource(name, file(services));
  writeFileSync(join(folder, 'well'), '');
  await hive.client.addSource({ path: folder, name });
  await hive.client.startService({ source: name });
  await Promise.all(Object.keys(services).map((service) => hive.client.waitForService({ fqn: `${name}:${service}`, for: 'healthy' })));
}

const toldOf = async (): Promise<HiveEvent[]> => journalOf(hive.client, ['service.dependencyFailed', 'service.dependencyRecovered']);
const killMain = async (fqn: string): Promise<void> => void process.kill((await hive.service(fqn)).instances[0]?.pid ?? 0, 'SIGKILL');

describe('a dependency that fails later', () => {
  const chain = { db: `${sleeps}, ${whileThere('well')}`, api: `${sleeps}, depends_on: [db]`, web: `${sleeps}, depends_on: [api]`, other: sleeps };

  it('is told upwards, each level because of the one below, and so is that it is well again', async () => {
    await up(chain);
    rmSync(join(folder, 'well'));
    await hive.serviceWhen('shop:web', ({ reason }) => reason === 'it runs; api, which it depends on, lacks db');
    expect((await hive.service('shop:api')).reason).toBe('it runs; db, which it depends on, is unhealthy');
    writeFileSync(join(folder, 'well'), '');
    await hive.serviceWhen('shop:web', ({ reason }) => reason === 'it runs');

    const events = await journalOf(hive.client);
    const health = eventsOf(events, 'service.healthChanged', 'shop:db');
    const told = events.filter(({ type }) => type.startsWith('service.dependency'));
    expect(told).toMatchObject([
      { type: 'service.dependencyFailed', service: 'shop:api', dependency: 'shop:db', root: 'shop:db', cause: health[1]?.seq, reason: 'db, which it depends on, is unhealthy' },
      { type: 'service.dependencyFailed', service: 'shop:web', dependency: 'shop:api', root: 'shop:db', cause: told[0]?.seq },
      { type: 'service.dependencyRecovered', service: 'shop:api', dependency: 'shop:db', cause: health[2]?.seq },
      { type: 'service.dependencyRecovered', service: 'shop:web', dependency: 'shop:api', cause: told[2]?.seq },
    ]);
  });

  it('is told once, by whichever daemon is there', async () => {
    await up(chain);
    rmSync(join(folder, 'well'));
    await hive.serviceWhen('shop:web', ({ reason }) => reason.includes('lacks db'));
    await hive.restartAfterKill();
    await hive.serviceWhen('shop:web', ({ reason }) => reason.includes('lacks db'));
    writeFileSync(join(folder, 'well'), '');
    await hive.serviceWhen('shop:web', ({ reason, state }) => state === 'running' && reason === 'it runs');
    expect((await toldOf()).map((event) => `${event.type} ${'service' in event ? event.service : ''}`)).toEqual([
      'service.dependencyFailed shop:api', 'service.dependencyFailed shop:web', 'service.dependencyRecovered shop:api', 'service.dependencyRecovered shop:web',
    ]);
  });

  it('is not told when everything is stopped, restarted, shut down or taken over together', async () => {
    await up(chain);
    await hive.client.restartService({ source: 'shop' });
    await Promise.all(Object.keys(chain).map((name) => hive.client.waitForService({ fqn: `shop:${name}`, for: 'healthy' })));
    await hive.restartAfterKill();
    await hive.client.stopService({ source: 'shop' });
    await Promise.all(Object.keys(chain).map((name) => hive.client.waitForService({ fqn: `shop:${name}`, for: 'stopped' })));
    await hive.client.startService({ source: 'shop' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
    await hive.shutdown();
    await hive.start();
    expect(await toldOf()).toEqual([]);
  });

  it('restarts those that ask for it, once, when it is well again', async () => {
    await up({ db: `${sleeps}, restart: {policy: always, delay: 50ms}, ${whileThere('well')}`, api: `${sleeps}, depends_on: {db: {restart: true}}`, web: `${sleeps}, depends_on: {api: {restart: true}}`, lazy: `${sleeps}, depends_on: [db]` });
    const lazy = (await hive.service('shop:lazy')).instances[0]?.pid;
    rmSync(join(folder, 'well'));
    await killMain('shop:db');
    await hive.serviceWhen('shop:api', ({ reason }) => reason.includes('which it depends on'));
    expect(eventsOf(await journalOf(hive.client), 'service.starting', 'shop:api')).toHaveLength(1);
    writeFileSync(join(folder, 'well'), '');
    await until(async () => eventsOf(await journalOf(hive.client), 'service.started', 'shop:web').length === 2 || undefined, 'web to be restarted because api was');
    await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    const events = await journalOf(hive.client);
    const recovered = eventsOf(events, 'service.dependencyRecovered', 'shop:api')[0];
    const starts = eventsOf(events, 'service.starting', 'shop:api');
    expect(starts.map(({ reason }) => reason)).toEqual([expect.anything(), 'db, which it depends on, was restarted']);
    expect(eventsOf(events, 'service.stopped', 'shop:api')[0]?.cause).toBe(recovered?.seq);
    expect((await hive.service('shop:lazy')).instances[0]?.pid).toBe(lazy);
  });

  it('reaches other sources through what they use, and ends where they use each other', async () => {
    const exposes = (name: string): string => `expose: {name: ${name}}`;
    await up({ disk: `${sleeps}, ${whileThere('well')}`, db: `${sleeps}, depends_on: [disk], ${exposes('shared-db')}` }, 'infra');
    const infra = folder;
    await up({ api: `${sleeps}, uses: [{name: shared-db}], ${exposes('shared-api')}`, web: `${sleeps}, depends_on: [api]` }, 'shop');
    rmSync(join(infra, 'well'));
    await hive.serviceWhen('shop:web', ({ reason }) => reason === 'it runs; api, which it depends on, lacks infra:disk');
    expect((await hive.service('shop:api')).reason).toBe('it runs; shared-db (infra:db), which it uses, lacks infra:disk');
    writeFileSync(join(infra, 'well'), '');
    await hive.serviceWhen('shop:web', ({ reason }) => reason === 'it runs');
    expect(await toldOf()).toHaveLength(6);
  });
});

describe('hivectl why', () => {
  it('tells that a probe failed, what left the route table, what was restarted and who was told', async () => {
    const routed = `${sleeps}, rollout: {type: recreate, recreate: {ports: {http: auto}}}, proxy: {path: /}, restart: {policy: always, delay: 50ms}`;
    await up({ db: `${routed}, ${whileThere('well')}`, api: `${sleeps}, depends_on: [db]`, web: `${sleeps}, depends_on: [api]`, shop: `${sleeps}, depends_on: [api]` });
    const why = async (service: string): Promise<string> => {
      const { stdout } = await promisify(execFile)(process.execPath, [join(packageRoot(), 'dist/hivectl/main.js'), 'why', service], { env: { ...process.env, HIVE_HOME: hive.home, NODE_OPTIONS: '' } });
      return stdout;
    };
    rmSync(join(folder, 'well'));
    await until(async () => eventsOf(await journalOf(hive.client), 'service.crashed', 'shop:db').length > 0 || undefined, 'db to be restarted');
    expect(await why('shop:web')).toMatch(/shop:db#1 became unhealthy.*\n[^]*shop:api was told: db, which it depends on, is unhealthy\n[^]*shop:web was told: api, which it depends on, lacks db/);
    writeFileSync(join(folder, 'well'), '');
    await hive.client.waitForService({ fqn: 'shop:db', for: 'healthy' });
    await hive.serviceWhen('shop:web', ({ reason }) => reason === 'it runs');

    const story = await why('shop:db');
    expect(story).toMatch(new RegExp([
      'shop:db#1 became unhealthy ', 'shop:db#1 was stopped because it was unhealthy: ', 'shop:db#1 is being started', 'shop:db#1 runs as pid \\d+', 'shop:db#1 became healthy',
    ].map((step) => `(?:${step})`).join('.*\\n(?:.*\\n)*?.*')));
    // Who is told first, dependents or proxies, is nobody's promise; that both follow from the probe, and come before the restart, is.
    for (const [before, told, after] of [
      ['', 'the route table has version \\d+: shop:db#1 left it', 'was stopped because'],
      ['', 'shop:api was told: db, which it depends on, is unhealthy; so were 2 more above it', 'was stopped because'],
      ['became healthy', 'the route table has version \\d+: shop:db#1 joined it', ''],
      ['became healthy', 'shop:api was told: shop:db is well again; so were 2 more above it', ''],
    ] as const) expect(story).toMatch(new RegExp(`${before}[^]*${told}[^]*${after}`));
    // Once it is over, it is no part of why a dependent is as it is.
    expect(await why('shop:web')).not.toContain('was told');
  });
});

describe('a graph ten deep, of 200 services in five sources', () => {
  const layers = 10;
  const wide = 4;
  const sources = ['s0', 's1', 's2', 's3', 's4'];
  const at = (layer: number, column: number): string => `l${layer}-${column % wide}`;
  const needs = (layer: number, column: number): string[] => [at(layer - 1, column), at(layer - 1, column + 1)];

  it('comes up in order as fast as the graph allows, and what dies at the bottom is told to everyone above within a second', async () => {
    const bottom = `${sleeps}, expose: {name: bottom}, restart: {policy: always, delay: 5s}`;
    for (const source of sources) {
      const services: Record<string, string> = {};
      for (let layer = layers - 1; layer >= 0; layer -= 1) {
        for (let column = 0; column < wide; column += 1) {
          const uses = source !== 's0' && layer === 1 && column === 0 ? ', uses: [{name: bottom}]' : '';
          services[at(layer, column)] = layer === 0 ? (source === 's0' && column === 0 ? bottom : sleeps) : `${sleeps}, depends_on: [${needs(layer, column).join(', ')}]${uses}`;
        }
      }
      mkdirSync(join(hive.home, 'projects'), { recursive: true });
      await hive.addSource(source, file(services));
    }
    const began = performance.now();
    await Promise.all(sources.map((source) => hive.client.startService({ source })));
    await until(async () => ((await hive.client.status()).services.running === 200 ? true : undefined), '200 services to run', 60_000);
    const tookMs = performance.now() - began;

    const events = await journalOf(hive.client, ['service.starting', 'service.started']);
    const starting = new Map(eventsOf(events, 'service.starting').map((event) => [event.service, event]));
    const started = new Map(eventsOf(events, 'service.started').map((event) => [event.service, event]));
    const gaps: number[] = [];
    for (const source of sources) {
      for (let layer = 1; layer < layers; layer += 1) {
        for (let column = 0; column < wide; column += 1) {
          const own = starting.get(`${source}:${at(layer, column)}`);
          const dependencies = needs(layer, column).map((name) => started.get(`${source}:${name}`));
          for (const dependency of dependencies) expect(own?.seq).toBeGreaterThan(dependency?.seq ?? Infinity);
          const lastOf = Math.max(...dependencies.map((event) => Date.parse(event?.time ?? '')));
          gaps.push(Date.parse(own?.time ?? '') - lastOf);
        }
      }
    }
    gaps.sort((a, b) => a - b);
    // Nobody waits for more than what it depends on (and, in the first layer, uses): typically it is launched a moment later.
    expect(gaps[Math.floor(gaps.length / 2)]).toBeLessThan(100);

    const killedAt = Date.now();
    await killMain('s0:l0-0');
    const above = expectedAbove();
    const told = await until(async () => {
      const failed = eventsOf(await journalOf(hive.client, ['service.dependencyFailed']), 'service.dependencyFailed');
      return above.every((fqn) => failed.some(({ service }) => service === fqn)) ? failed : undefined;
    }, 'everyone above to be told', 10_000);
    const lastToldMs = Math.max(...above.map((fqn) => Date.parse(told.find(({ service }) => service === fqn)?.time ?? '') - killedAt));
    expect(lastToldMs).toBeLessThan(1_000);
    expect(new Set(told.map(({ service }) => service))).toEqual(new Set(above));
    const crash = eventsOf(await journalOf(hive.client, ['service.crashed']), 'service.crashed')[0];
    const bySeq = new Map(told.map((event) => [event.seq, event]));
    for (const event of told) {
      expect(event.root).toBe('s0:l0-0');
      if (event.dependency === 's0:l0-0') expect(event.cause).toBe(crash?.seq);
      else expect(bySeq.get(event.cause as number)?.service).toBe(event.dependency);
    }
    process.stderr.write(`200 services in a graph ${layers} deep: up in ${Math.round(tookMs)} ms, launched ${gaps[Math.floor(gaps.length / 2)]} ms after the last dependency (median), ${above.length} told within ${lastToldMs} ms\n`);
  }, 120_000);

  /** Everyone that the bottom of s0 carries, however far up. */
  function expectedAbove(): string[] {
    const above = new Set(sources.slice(1).map((source) => `${source}:${at(1, 0)}`).concat('s0:l0-0'));
    for (let layer = 1; layer < layers; layer += 1) {
      for (const source of sources) for (let column = 0; column < wide; column += 1) if (needs(layer, column).some((name) => above.has(`${source}:${name}`))) above.add(`${source}:${at(layer, column)}`);
    }
    above.delete('s0:l0-0');
    return [...above];
  }
});
