import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service, Status } from '../../shared/protocol/results.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
beforeEach(() => { sandbox = new Sandbox(); });
afterEach(() => sandbox.end());

const script = (run: string, more = ''): string => `\n    runner: {type: script, script: {run: ${JSON.stringify(run)}}}${more}`;
const yaml = (services: Record<string, string>): string =>
  `version: "1"\nservices:${Object.keys(services).length === 0 ? ' {}' : ''}${Object.entries(services).map(([name, body]) => `\n  ${name}:${body}`).join('')}\n`;
const steady = script('echo up; exec sleep 1000');

describe('hivectl up', () => {
  it('starts the daemon, registers the folder from below, and waits until services are up', async () => {
    const shop = sandbox.project('shop', yaml({ db: steady, web: script('echo hello; exec sleep 1000', '\n    depends_on: [db]'), job: script('exit 0') }));
    const { code, out, err } = await sandbox.run(join(shop, '.adi'), 'up');
    expect({ code, out }).toEqual({ code: 0, out: '3 services up.\n' });
    expect(err).toMatch(/^Started the daemon \(pid \d+\)\.$/m);
    expect(err).toMatch(/^shop:web {2}running after /m);
    expect(err).toMatch(/^shop:job {2}completed after /m);
    expect([...sandbox.servicePids().keys()].sort()).toEqual(['shop:db', 'shop:web']);
  });

  it('changes nothing the second time, and takes a changed file up at once', async () => {
    const shop = sandbox.project('shop', yaml({ db: steady }));
    await sandbox.run(shop, 'up');
    const before = sandbox.servicePids();
    expect(await sandbox.run(shop, 'up -q')).toEqual({ code: 0, out: '', err: '' });
    expect(sandbox.servicePids()).toEqual(before);
    writeFileSync(join(shop, '.adi/hive.yaml'), yaml({ db: steady, web: steady }));
    const { services } = await sandbox.json<{ services: Service[] }>(shop, 'up');
    expect(services.map(({ fqn, state }) => [fqn, state])).toEqual([['shop:db', 'running'], ['shop:web', 'running']]);
    expect(sandbox.servicePids().get('shop:db')).toBe(before.get('shop:db'));
  });

  it('ends with one daemon when several start at once', async () => {
    const folders = ['a', 'b', 'c', 'd'].map((name) => sandbox.project(name, yaml({ only: steady })));
    const ends = await Promise.all(folders.map((folder) => sandbox.run(folder, 'up')));
    expect(ends.map(({ code, err }) => ({ code, err: code === 0 ? '' : err }))).toEqual(folders.map(() => ({ code: 0, err: '' })));
    expect(ends.filter(({ err }) => err.includes('Started the daemon'))).toHaveLength(1);
    expect((await sandbox.json<Status>(sandbox.root, 'daemon status')).services.running).toBe(4);
  });

  it('explains a folder without a project, and starts nothing for it', async () => {
    const { code, err } = await sandbox.run(sandbox.root, 'up');
    expect(code).toBe(4);
    expect(err).toContain('has a .adi/hive.yaml');
    expect(err).toContain('[NOT_FOUND]');
    expect(existsSync(sandbox.home)).toBe(false);
  });

  it('shows every problem of a bad file at its line, and leaves what runs alone', async () => {
    const shop = sandbox.project('shop', yaml({ db: steady }));
    await sandbox.run(shop, 'up');
    const before = sandbox.servicePids();
    writeFileSync(join(shop, '.adi/hive.yaml'), 'version: "1"\nservices:\n  db:\n    runer: {type: script}\n');
    const { code, err } = await sandbox.run(shop, 'up');
    expect(code).toBe(6);
    expect(err).toContain('.adi/hive.yaml:4:5');
    expect(err).toContain('Did you mean runner?');
    expect(err).toContain('[INVALID_CONFIG]');
    expect(sandbox.servicePids()).toEqual(before);
  });

  it('fails when a service crashes at once, and names it', async () => {
    const shop = sandbox.project('shop', yaml({ db: steady, loop: script('echo broken >&2; exit 3', '\n    restart: on-failure') }));
    const { code, err } = await sandbox.run(shop, 'up');
    expect(code).toBe(1);
    expect(err).toMatch(/1 of 2 services are not healthy: shop:loop\. shop:loop (came up and went down again|failed): it exited with code 3.*\[SERVICE_FAILED\]/);
  });

  it('gives up at its timeout', async () => {
    const shop = sandbox.project('shop', yaml({ web: `${script('exec sleep 1000')}\n    healthcheck: {type: cmd, cmd: {command: "false", interval: 200ms, start_period: 60s}}` }));
    const { code, err } = await sandbox.run(shop, 'up --timeout 500ms');
    expect({ code, err }).toEqual({ code: 5, err: expect.stringContaining('[TIMEOUT]') });
    expect([...sandbox.servicePids().keys()]).toEqual(['shop:web']);
  });

  it('leaves services as they are at Ctrl-C, and says so', async () => {
    const shop = sandbox.project('shop', yaml({ web: `${script('exec sleep 1000')}\n    healthcheck: {type: cmd, cmd: {command: "false", interval: 200ms, start_period: 60s}}` }));
    await sandbox.run(shop, 'up --no-wait');
    const up = sandbox.start(shop, ['up']);
    await up.says('shop:web  running: ');
    up.process.kill('SIGINT');
    const { code, err } = await up.finished;
    expect(code).toBe(130);
    expect(err).toContain('the services go on as they are');
    expect([...sandbox.servicePids().keys()]).toEqual(['shop:web']);
  });
});

describe('hivectl stop, down and restart', () => {
  it('says what a stop waits for once that takes a while', async () => {
    const shop = sandbox.project('shop', yaml({ stubborn: script("trap '' TERM; while :; do sleep 1; done", '\n    stop: {grace: 3s}') }));
    await sandbox.run(shop, 'up');
    const { code, out, err } = await sandbox.run(shop, 'stop stubborn');
    expect({ code, out }).toEqual({ code: 0, out: '1 service down.\n' });
    expect(err).toMatch(/^shop:stubborn {2}stopping: waiting for pid \d+ .*to handle SIGTERM/m);
    expect(err).toMatch(/^shop:stubborn {2}stopped after /m);
    expect(sandbox.servicePids().size).toBe(0);
  });

  it("takes the folder's source down, and with --all the rest", async () => {
    const [one, two] = ['one', 'two'].map((name) => sandbox.project(name, yaml({ web: steady })));
    await sandbox.run(one ?? '', 'up');
    await sandbox.run(two ?? '', 'up');
    expect(await sandbox.run(one ?? '', 'down')).toMatchObject({ code: 0, out: '1 service down.\n' });
    expect([...sandbox.servicePids().keys()]).toEqual(['two:web']);
    expect(await sandbox.run(sandbox.root, 'down')).toMatchObject({ code: 4, err: expect.stringContaining('hivectl down --all') });
    expect((await sandbox.run(sandbox.root, 'down --all')).code).toBe(0);
    expect(sandbox.servicePids().size).toBe(0);
  });

  it('starts a service anew, with another pid', async () => {
    const shop = sandbox.project('shop', yaml({ web: steady }));
    await sandbox.run(shop, 'up');
    const before = sandbox.servicePids().get('shop:web');
    const { services } = await sandbox.json<{ services: Service[] }>(shop, 'restart web');
    expect(services[0]?.state).toBe('running');
    expect(services[0]?.instances[0]?.pid).not.toBe(before);
    expect(sandbox.servicePids().get('shop:web')).toBe(services[0]?.instances[0]?.pid);
  });
});
