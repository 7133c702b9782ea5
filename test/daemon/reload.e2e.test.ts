import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '../../shared/protocol/results.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const names = ['one', 'two', 'three', 'four', 'five'];

/** A source of services that sleep; `more` are further lines of some of them. */
function stack(more: Readonly<Record<string, readonly string[]>> = {}, present: readonly string[] = names): string {
  const services = present.map((name) => [`  ${name}:`, '    runner: {type: script, script: {run: \'echo "$GREETING"; exec sleep 1000\'}}', ...(more[name] ?? []).map((line) => `    ${line}`)].join('\n'));
  return `version: "1"\nservices:\n${services.join('\n')}\n`;
}

describe('a changed hive.yaml', () => {
  let hive: TestHive;
  let file: string;

  beforeEach(async () => {
    hive = await TestHive.started();
    const folder = await hive.addSource('shop', stack());
    file = join(folder, '.adi/hive.yaml');
    await hive.client.startService({ source: 'shop' });
    for (const name of names) await hive.client.waitForService({ fqn: `shop:${name}`, for: 'running' });
  });
  afterEach(() => hive.end());

  const pids = async (): Promise<Record<string, number | undefined>> => {
    const { services } = await hive.client.listServices({ source: 'shop' });
    return Object.fromEntries(services.map(({ name, instances }) => [name, instances[0]?.pid]));
  };

  /** Saves the file and answers what `source.plan` says before the daemon has taken the change up by itself. */
  const planned = async (contentOf: (attempt: number) => string): Promise<Change[]> => {
    for (let attempt = 1; attempt <= 50; attempt += 1) {
      writeFileSync(file, contentOf(attempt));
      const { changes, problems } = await hive.client.planSource({ name: 'shop' });
      expect(problems).toEqual([]);
      if (changes.length > 0) return changes;
    }
    throw new Error('The daemon was always faster.');
  };

  /** Has the change taken up, whoever is first: the watch on the file, or this call. */
  const takenUp = async (): Promise<void> => {
    await hive.client.reloadSource({ name: 'shop' });
  };

  const newPid = (name: string, before: Record<string, number | undefined>): Promise<unknown> =>
    hive.serviceWhen(`shop:${name}`, ({ state, instances }) => state === 'running' && instances[0]?.pid !== undefined && instances[0].pid !== before[name]);

  it('gives a new instance to the service whose environment changed, as the plan said, and to no other', async () => {
    const before = await pids();
    const plan = await planned((attempt) => stack({ three: [`environment: {static: {GREETING: hello-${attempt}}}`] }));
    expect(plan).toEqual([{ service: 'shop:three', action: 'replace', fields: ['environment'] }]);
    await newPid('three', before);
    const { three: newThree, ...others } = await pids();
    const { three: oldThree, ...othersBefore } = before;
    expect(newThree).not.toBe(oldThree);
    expect(others).toEqual(othersBefore);
    await until(async () => ((await hive.client.getLogs({ fqn: 'shop:three' })).lines.some(({ message }) => message.startsWith('hello-')) ? true : undefined), 'three to greet');
    const { events } = await hive.client.listEvents({ types: ['service.stopped', 'service.starting', 'service.updated', 'source.changed'], limit: 100 });
    const told = events.slice(-4).map((event) => [event['type'], event['service'] ?? event['source']]);
    expect(told).toEqual([['source.changed', 'shop'], ['service.updated', 'shop:three'], ['service.stopped', 'shop:three'], ['service.starting', 'shop:three']]);
    expect(events.at(-1)?.['cause']).toBe(events.at(-2)?.['seq']);
  });

  it.each<[string, readonly string[]]>([
    ['restart', ['restart: {policy: always, delay: 10ms}']],
    ['healthcheck', ['healthcheck: {type: cmd, cmd: {command: "true", interval: 50ms}}']],
    ['logs', ['logs: {max_size: 1MB, max_files: 2}']],
    ['stop', ['stop: {signal: SIGINT, grace: 1s}']],
    ['depends_on', ['depends_on: [one]']],
  ])('changes %s while the service runs on', async (field, lines) => {
    const before = await pids();
    const plan = await planned((attempt) => `${stack({ two: lines })}# ${attempt}\n`);
    expect(plan).toEqual([{ service: 'shop:two', action: 'live', fields: [field] }]);
    await takenUp();
    expect(await pids()).toEqual(before);
    if (field === 'healthcheck') await hive.client.waitForService({ fqn: 'shop:two', for: 'healthy' });
    if (field === 'restart') {
      process.kill(before['two'] as number, 'SIGKILL');
      await newPid('two', before);
    }
    const { one: _one, ...others } = await pids();
    expect(Object.values(others).every((pid) => pid !== undefined)).toBe(true);
  });

  it('with another comment changes nothing', async () => {
    const before = await pids();
    appendFileSync(file, '# a word\n');
    expect((await hive.client.planSource({ name: 'shop' })).changes).toEqual([]);
    await takenUp();
    expect(await pids()).toEqual(before);
  });

  it('gives another port to its service only', async () => {
    const withPort = (extra: string): string => stack({ four: [`rollout: {type: recreate, recreate: {ports: {http: auto${extra}}}}`] });
    const before = await pids();
    const plan = await planned(() => withPort(''));
    expect(plan).toEqual([{ service: 'shop:four', action: 'replace', fields: ['rollout.ports'] }]);
    await newPid('four', before);
    const after = await pids();
    expect({ ...after, four: null }).toEqual({ ...before, four: null });
    const port = (await hive.service('shop:four')).ports['http'];
    expect(port).toBeGreaterThan(1023);
    await planned(() => withPort(', admin: auto'));
    await newPid('four', after);
    // What it had, it keeps.
    expect((await hive.service('shop:four')).ports['http']).toBe(port);
  });

  it('is not the only thing that is watched: so are the dotenv files of a service', async () => {
    const dotenv = join(file, '../../.env');
    writeFileSync(dotenv, 'GREETING=first\n');
    const before = await pids();
    writeFileSync(file, stack({ five: ['environment: {dotenv: {files: [.env]}}'] }));
    await newPid('five', before);
    const between = await pids();
    writeFileSync(dotenv, 'GREETING=second\n');
    await newPid('five', between);
    expect({ ...(await pids()), five: null }).toEqual({ ...before, five: null });
  });

  it('stops what it does not have any more and starts what it has now, where the source is wanted up', async () => {
    const before = await pids();
    const plan = await planned((attempt) => `${stack({}, ['one', 'six', 'three', 'four', 'five'])}# ${attempt}\n`);
    expect(plan).toEqual([{ service: 'shop:six', action: 'add', fields: [] }, { service: 'shop:two', action: 'remove', fields: [] }]);
    await takenUp();
    await hive.client.waitForService({ fqn: 'shop:six', for: 'running' });
    await until(async () => ('two' in (await pids()) ? undefined : true), 'two to be gone');
    expect(existsSync(`/proc/${before['two']}`)).toBe(false);
    const { six, ...others } = await pids();
    const { two: _two, ...othersBefore } = before;
    expect(six).toBeGreaterThan(0);
    expect(others).toEqual(othersBefore);
    const { events } = await hive.client.listEvents({ services: ['shop:two'], types: ['service.stopped', 'service.deleted'] });
    expect(events.map(({ type }) => type).sort()).toEqual(['service.deleted', 'service.stopped']);
  });

  it('starts nothing in a source that nobody wanted up', async () => {
    const folder = await hive.addSource('quiet', stack({}, ['one']));
    writeFileSync(join(folder, '.adi/hive.yaml'), stack({}, ['one', 'two']));
    await hive.client.reloadSource({ name: 'quiet' });
    const { services } = await hive.client.listServices({ source: 'quiet' });
    expect(services.map(({ name, state, wanted }) => [name, state, wanted])).toEqual([['one', 'stopped', 'down'], ['two', 'stopped', 'down']]);
  });

  it('leaves down what somebody stopped, whatever changed about it', async () => {
    await hive.client.stopService({ fqn: 'shop:one' });
    await hive.client.waitForService({ fqn: 'shop:one', for: 'stopped' });
    writeFileSync(file, stack({ one: ['environment: {static: {GREETING: hello}}'] }));
    await takenUp();
    expect(await hive.service('shop:one')).toMatchObject({ state: 'stopped', wanted: 'down' });
  });
});
