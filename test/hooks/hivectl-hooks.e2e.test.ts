import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox } from '../hivectl/sandbox.js';
import { until } from '../support/until.js';
import { hook, oneService, script, waits } from './hooked.js';

/** What people see of hooks in a terminal that is a pipe. */
describe('hivectl and hooks', () => {
  let sandbox: Sandbox;
  beforeEach(() => { sandbox = new Sandbox(); });
  afterEach(() => sandbox.end());

  it('up says which hook it waits for, which failed, with its exit and its last line; why, events and logs tell the rest', async () => {
    const folder = sandbox.project('shop', oneService({ 'pre-up': hook({ run: 'echo migrating' }, { run: 'until [ -e go ]; do sleep 0.02; done; echo no such table >&2; exit 3' }) }));
    const up = sandbox.start(folder, ['up']);
    await up.says('shop:web  waiting: waiting for its pre-up hook (step 2 of 2)');
    writeFileSync(join(folder, 'go'), '');
    const { code, err } = await up.finished;
    expect(code).toBe(1);
    expect(err).toContain('shop:web failed: it was not started: step 2 of its pre-up hook exited with code 3: no such table.');
    const why = await sandbox.run(folder, 'why web');
    expect(why.out).toMatch(/asked for services.start\n.*step 2 of the pre-up hook of shop:web began\n.*step 2 of the pre-up hook of shop:web exited with code 3: no such table\n.*Hive gave up on shop:web#1: was not started/);
    const events = await sandbox.run(folder, 'events --type hook.*');
    expect(events.out).toContain('step 2 of the pre-up hook of shop:web exited with code 3');
    expect((await sandbox.run(folder, 'logs web --stream hook')).out).toBe('hook | migrating\nhook | no such table\n');
  });

  it('stop says which hook it waits for, and that it was called off', async () => {
    const folder = sandbox.project('shop', oneService({ 'pre-down': hook({ run: `${waits('leaving')}; [ -e allowed ]`, on_failure: 'abort' }) }));
    expect((await sandbox.run(folder, 'up')).code).toBe(0);
    const stop = sandbox.start(folder, ['stop', 'web']);
    await stop.says('its pre-down hook (step 1 of 1) runs');
    writeFileSync(join(folder, 'leaving.go'), '');
    const { code, err } = await stop.finished;
    expect([code, err]).toEqual([1, expect.stringContaining('shop:web was not stopped: its stop was called off: its pre-down hook exited with code 1.')]);
    writeFileSync(join(folder, 'allowed'), '');
    expect((await sandbox.run(folder, 'stop web')).code).toBe(0);
    await until(() => (existsSync(join(folder, 'alive')) ? undefined : true), 'the service to be gone');
  });

  it('deploy shows the steps of hooks as it does them', async () => {
    const yaml = `
version: "1"
services:
  web:
    ${script('exec sleep 1000')}
    healthcheck: {type: cmd, cmd: {command: "true", interval: 1s}}
    rollout: {type: blue-green, blue-green: {ports: {http: {blue: auto, green: auto}}, healthy_duration: 50ms, timeout: 10s}}
    proxy: {path: /}
    hooks: {post-up: ${hook('true')}}
`;
    const folder = sandbox.project('shop', yaml);
    expect((await sandbox.run(folder, 'up')).code).toBe(0);
    const { code, err } = await sandbox.run(folder, 'deploy web');
    expect([code, err]).toEqual([0, expect.stringContaining('running step 1 of the post-up hook')]);
  });
});
