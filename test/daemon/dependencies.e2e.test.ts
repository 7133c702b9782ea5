import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HiveError } from '../../shared/errors/index.js';
import type { HiveEvent } from '../../shared/protocol/events.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const sleeps = 'exec sleep 1000';
const file = (services: Readonly<Record<string, string>>): string =>
  `version: "1"\nservices:\n${Object.entries(services).map(([name, body]) => `  ${name}: {${body}}`).join('\n')}\n`;
const script = (run: string): string => `runner: {type: script, script: {run: ${JSON.stringify(run)}}}`;
/** A job that ends well once a file is there. */
const waitsFor = (name: string): string => script(`while ! test -e ${name}; do sleep 0.01; done; echo ${name} is there`);

let hive: TestHive;
let folder: string;
beforeEach(async () => {
  hive = await TestHive.started();
});
afterEach(() => hive.end());

const put = (name: string): void => writeFileSync(join(folder, name), '');
const add = async (services: Readonly<Record<string, string>>): Promise<void> => {
  folder = await hive.addSource('shop', file(services));
};
const start = async (name?: string): Promise<void> => {
  await hive.client.startService(name === undefined ? { source: 'shop' } : { fqn: `shop:${name}` });
};
const waitFor = (name: string, state: 'running' | 'healthy' | 'stopped' | 'completed'): ReturnType<TestHive['service']> => hive.client.waitForService({ fqn: `shop:${name}`, for: state });
const pidOf = async (name: string): Promise<number | undefined> => (await hive.service(`shop:${name}`)).instances[0]?.pid;
const events = async (...types: string[]): Promise<HiveEvent[]> => (await hive.client.listEvents({ types })).events as unknown as HiveEvent[];

describe('a service starts after what it depends on', () => {
  it('has started, is healthy or has completed, as is asked for', async () => {
    await add({
      cache: script(sleeps),
      db: `${script(sleeps)}, healthcheck: {type: cmd, cmd: {command: test -e db-is-up, interval: 30ms}}`,
      migrate: `${waitsFor('migrated')}, depends_on: [db]`,
      web: `${script(sleeps)}, depends_on: {cache: {condition: started}, db: {condition: healthy}, migrate: {condition: completed}}`,
    });
    await start('web');
    await waitFor('cache', 'running');
    await hive.serviceWhen('shop:web', ({ state, reason }) => state === 'waiting' && reason === 'waiting for db to be healthy and for migrate to complete');
    await hive.serviceWhen('shop:migrate', ({ state, reason }) => state === 'waiting' && reason === 'waiting for db to be healthy');
    put('db-is-up');
    await waitFor('migrate', 'running');
    await hive.serviceWhen('shop:web', ({ state, reason }) => state === 'waiting' && reason === 'waiting for migrate to complete');
    put('migrated');
    await waitFor('web', 'running');
    const order = (await events('service.*')).filter(({ type }) => ['service.starting', 'service.healthChanged', 'service.completed'].includes(type));
    const at = (type: string, name: string): number => order.findIndex((event) => event.type === type && 'service' in event && event.service === `shop:${name}`);
    expect(at('service.starting', 'migrate')).toBeGreaterThan(at('service.healthChanged', 'db'));
    expect(at('service.starting', 'web')).toBeGreaterThan(at('service.completed', 'migrate'));
    expect(order[at('service.starting', 'web')]?.cause).toBe(order[at('service.completed', 'migrate')]?.seq);
  });

  it('through a chain of ten, each after the one before', async () => {
    const chain = Array.from({ length: 10 }, (_none, index) => [`step-${index}`, `${script(`echo ${index} >> order`)}${index === 0 ? '' : `, depends_on: {step-${index - 1}: {condition: completed}}`}`] as const);
    // Backwards, so that the order of the file helps nobody.
    await add(Object.fromEntries([...chain].reverse()));
    await start('step-9');
    await waitFor('step-9', 'completed');
    expect(readFileSync(join(folder, 'order'), 'utf8')).toBe('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
  });

  it('and beside what it does not depend on: eight that wait for each other come up together', async () => {
    const middle = Array.from({ length: 8 }, (_none, index) => `middle-${index}`);
    const meets = `touch met-$HIVE_SERVICE_FQN; until test "$(ls met-* | wc -l)" = 8; do sleep 0.01; done`;
    await add({
      first: script('exit 0'),
      ...Object.fromEntries(middle.map((name) => [name, `${script(meets)}, depends_on: {first: {condition: completed}}`])),
      last: `${script(sleeps)}, depends_on: {${middle.map((name) => `${name}: {condition: completed}`).join(', ')}}`,
    });
    await start();
    await waitFor('last', 'running');
  });

  it('unless they depend on each other: the circle is refused and spelt out', async () => {
    const path = hive.writeSource('shop', file({ a: `${script(sleeps)}, depends_on: [b]`, b: `${script(sleeps)}, depends_on: [c]`, c: `${script(sleeps)}, depends_on: [a]`, d: script(sleeps) }));
    const refused = await hive.client.addSource({ path, name: 'shop' }).then(() => null, (error: unknown) => error as HiveError);
    expect(refused).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('Services wait for each other in a circle: a → b → c → a.') });
    expect(refused?.data['problems']).toMatchObject([{ code: 'DEPENDENCY_CYCLE', line: 3 }]);
    expect((await hive.client.listServices()).services).toEqual([]);
  });
});

describe('a dependency that cannot come up', () => {
  const check = 'healthcheck: {type: cmd, cmd: {command: test -e db-is-up, interval: 30ms}}';
  const broken = { db: `${script('test -e mended && touch db-is-up && exec sleep 1000; exit 9')}, ${check}`, api: `${script(sleeps)}, depends_on: [db]`, web: `${script(sleeps)}, depends_on: [api]` };

  it('fails a wait at once, also further down, and lets all start by themselves when it is started again', async () => {
    await add(broken);
    await start();
    await hive.serviceWhen('shop:db', ({ state }) => state === 'failed');
    const beganAt = performance.now();
    await expect(hive.client.waitForService({ fqn: 'shop:api', for: 'running', timeoutMs: 30_000 })).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED', message: expect.stringMatching(/shop:api cannot start: it is waiting for db, which failed: .*code 9/) });
    await expect(hive.client.waitForService({ fqn: 'shop:web', for: 'running', timeoutMs: 30_000 })).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED', message: expect.stringContaining('waiting for api, which cannot start either') });
    expect(performance.now() - beganAt).toBeLessThan(5_000);
    put('mended');
    await start('db');
    await waitFor('web', 'running');
    expect((await events('service.starting')).map((event) => ('service' in event ? event.service : ''))).toEqual(['shop:db', 'shop:db', 'shop:api', 'shop:web']);
  });

  it('fails a wait that is under way already', async () => {
    await add({ ...broken, db: script('until test -e go; do sleep 0.01; done; exit 9'), api: `${script(sleeps)}, depends_on: {db: {condition: completed}}` });
    await start();
    const waiting = hive.client.waitForService({ fqn: 'shop:api', for: 'running', timeoutMs: 30_000 });
    const refused = expect(waiting).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED' });
    put('go');
    await refused;
  });

  it('lets them start when its configuration is mended', async () => {
    await add(broken);
    await start();
    await hive.serviceWhen('shop:db', ({ state }) => state === 'failed');
    writeFileSync(join(folder, '.adi/hive.yaml'), file({ ...broken, db: script(sleeps) }));
    await hive.client.reloadSource({ name: 'shop' });
    await waitFor('web', 'running');
  });

  it('lets them start when they do not depend on it any more', async () => {
    await add(broken);
    await start();
    await hive.serviceWhen('shop:db', ({ state }) => state === 'failed');
    writeFileSync(join(folder, '.adi/hive.yaml'), file({ ...broken, api: script(sleeps) }));
    await hive.client.reloadSource({ name: 'shop' });
    await waitFor('web', 'running');
  });

  it('that was stopped by hand is started again with what needs it', async () => {
    await add({ db: script(sleeps), web: `${script(sleeps)}, depends_on: [db]` });
    await start('db');
    await hive.client.stopService({ fqn: 'shop:db' });
    await waitFor('db', 'stopped');
    await start('web');
    // A start wants up what it needs, too.
    await waitFor('web', 'running');
    await hive.client.stopService({ source: 'shop' });
    await waitFor('web', 'stopped');
    await waitFor('db', 'stopped');
  });
});

describe('a dependency that is restarted', () => {
  it('takes along those that asked for it, and no others', async () => {
    await add({ db: script(sleeps), web: `${script(sleeps)}, depends_on: {db: {restart: true}}`, api: `${script(sleeps)}, depends_on: [db]` });
    await start();
    await Promise.all(['db', 'web', 'api'].map((name) => waitFor(name, 'running')));
    const before = { web: await pidOf('web'), api: await pidOf('api') };
    await hive.client.restartService({ fqn: 'shop:db' });
    await hive.serviceWhen('shop:web', ({ state, instances }) => state === 'running' && instances[0]?.pid !== before.web);
    expect(await pidOf('api')).toBe(before.api);
  });
});

describe('a build', () => {
  const service = (build: string, run = 'cat built 2>/dev/null; exec sleep 1000'): Record<string, string> => ({ web: `${script(run)}, build: {${build}}` });
  const builds = (): number => (existsSync(join(folder, 'builds')) ? readFileSync(join(folder, 'builds'), 'utf8').split('\n').length - 1 : 0);
  const again = async (): Promise<void> => {
    const before = await pidOf('web');
    await hive.client.restartService({ fqn: 'shop:web' });
    await hive.serviceWhen('shop:web', ({ state, instances }) => state === 'running' && instances[0]?.pid !== before);
  };
  const up = async (): Promise<void> => {
    await start();
    await waitFor('web', 'running');
  };

  it('runs for a first start alone when it is to run when missing and names no output', async () => {
    await add(service('command: echo once >> builds'));
    await up();
    await again();
    await hive.restartAfterKill();
    await again();
    expect(builds()).toBe(1);
  });

  it('runs when its output is missing, and not while it is there', async () => {
    await add(service('command: "echo once >> builds; mkdir -p out; echo x > out/web", output: out/web'));
    await up();
    await again();
    expect(builds()).toBe(1);
    await hive.client.stopService({ fqn: 'shop:web' });
    await waitFor('web', 'stopped');
    writeFileSync(join(folder, '.adi/hive.yaml'), file(service('command: "echo once >> builds; mkdir -p out; echo x > out/other", output: out/other')));
    await hive.client.reloadSource({ name: 'shop' });
    await up();
    expect(builds()).toBe(2);
  });

  it('runs always, or never', async () => {
    await add(service('command: echo once >> builds, when: always'));
    await up();
    await again();
    expect(builds()).toBe(2);
    writeFileSync(join(folder, '.adi/hive.yaml'), file(service('command: echo once >> builds, when: never')));
    await hive.client.reloadSource({ name: 'shop' });
    await again();
    expect(builds()).toBe(2);
  });

  it('that fails keeps the service down, with what it said in the log, until it is mended', async () => {
    await add(service('command: "echo to-stdout; echo to-stderr >&2; test -e mended || exit 3"'));
    await start();
    await expect(waitFor('web', 'running')).rejects.toMatchObject({ code: 'BUILD_FAILED', message: expect.stringMatching(/shop:web failed: .*could not be built.*code 3/) });
    const { lines } = await hive.client.getLogs({ fqn: 'shop:web' });
    expect(lines.map(({ stream, message }) => [stream, message]).sort()).toEqual([['stderr', 'to-stderr'], ['stdout', 'to-stdout']]);
    put('mended');
    await up();
  });

  it('is ended by a stop with everything that it started', async () => {
    await add(service('command: "trap \'\' TERM; sleep 1000 & (setsid sleep 1000 &) ; echo $$ > build-pid; wait"'));
    await start();
    await hive.serviceWhen('shop:web', ({ state }) => state === 'building');
    await until(() => (existsSync(join(folder, 'build-pid')) ? true : undefined), 'the build to run');
    expect(standingIn(folder).length).toBeGreaterThanOrEqual(3);
    await hive.client.stopService({ fqn: 'shop:web' });
    await waitFor('web', 'stopped');
    await until(() => (standingIn(folder).length === 0 ? true : undefined), 'nothing of the build to be left');
    expect((await events('service.starting', 'service.failed', 'service.crashed'))).toEqual([]);
  });

  it('that was ended is begun anew only when nothing of it is left', async () => {
    await add(service('command: "trap \'echo end >> story; exit 1\' TERM; echo begin >> story; if test -e quick; then echo end >> story; exit 0; fi; while :; do sleep 0.01; done"'));
    await start();
    await until(() => (existsSync(join(folder, 'story')) ? true : undefined), 'the build to run');
    put('quick');
    await hive.client.stopService({ fqn: 'shop:web' });
    await up();
    expect(readFileSync(join(folder, 'story'), 'utf8')).toBe('begin\nend\nbegin\nend\n');
  });

  it('ends with the daemon', async () => {
    await add(service('command: "sleep 1000 & echo $$ > build-pid; wait"'));
    await start();
    await until(() => (existsSync(join(folder, 'build-pid')) ? true : undefined), 'the build to run');
    await hive.shutdown();
    expect(standingIn(folder)).toEqual([]);
  });
});

/** Processes whose working directory is a folder. */
function standingIn(where: string): number[] {
  return processes().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === where;
    } catch {
      return false;
    }
  });
}

function processes(): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => pid > 0);
}
