import { afterEach, describe, expect, it } from '@jest/globals';
import { Sandbox } from '../hivectl/sandbox.js';

const sandbox = new Sandbox();
afterEach(() => sandbox.end());

describe('hivectl', () => {
  it('shows what is shared and with whom, and why a consumer waits', async () => {
    const infra = sandbox.project('infra', `version: "1"
services:
  db:
    runner: {type: script, script: {run: exec sleep 1000}}
    rollout: {type: recreate, recreate: {ports: {sql: auto}}}
    expose: {name: shared-db, secret: planted-secret, vars: {DB_URL: "planted-value:{{runtime.port.sql}}"}}
`);
    const app = sandbox.project('app', `version: "1"
services:
  web: {runner: {type: script, script: {run: exec sleep 1000}}, uses: [{name: shared-db, secret: planted-secret}]}
`);
    expect((await sandbox.run(infra, 'daemon start')).code).toBe(0);
    expect((await sandbox.run(infra, 'exposed')).out).toContain('No service shares anything.');
    expect((await sandbox.run(infra, 'source add .')).code).toBe(0);

    const held = await sandbox.run(app, 'up --timeout 20s');
    expect({ code: held.code, text: held.out + held.err }).toEqual({ code: 1, text: expect.stringContaining('waiting for shared-db (infra:db) to be healthy; it is stopped') });
    const why = (await sandbox.run(app, 'why web')).out;
    expect(why).toContain('It depends on:\n  infra:db, which is stopped');
    expect(why).toContain('hivectl why infra:db');

    expect((await sandbox.run(infra, 'up')).code).toBe(0);
    expect((await sandbox.run(app, 'wait web --timeout 20s')).code).toBe(0);
    const { out } = await sandbox.run(app, 'exposed');
    expect(out.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['NAME', 'SERVICE', 'STATE', 'SECRET', 'VARIABLES', 'PORTS', 'USED BY'],
      ['shared-db', 'infra:db', 'running', 'yes', 'DB_URL', 'sql', 'app:web'],
      [''],
    ]);
    const story = await sandbox.run(app, 'why web');
    expect(story.out).toContain('infra:db#1 runs');
    expect(out + story.out + why + held.err).not.toContain('planted');
  });
});
