import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '../../shared/protocol/results.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';
import { freePort } from '../support/free-port.js';

const secret = 'planted-secret-91c2';
const password = 'planted-password-77af';
const listens = (port: string): string => `exec node -e "require('http').createServer((q,s)=>s.end('ok')).listen(${port},'127.0.0.1')"`;

const infra = ({ ports = '{db: auto}', secret: wanted = '${env.SHARED_SECRET}', name = 'shared-postgres', vars = `{DATABASE_URL: "postgres://me:${password}@localhost:{{runtime.port.db}}/"}` } = {}): string => `
version: "1"
services:
  postgres:
    runner:
      type: script
      script:
        run: ${JSON.stringify(listens('process.env.PORT_DB'))}
    rollout: {type: recreate, recreate: {ports: ${ports}}}
    healthcheck: {type: http, interval: 100ms, http: {port: db, path: /}}
    restart: {policy: always, delay: 50ms}
    expose: {name: ${name}, secret: "${wanted}", vars: ${vars}}
`;

/** Says what it was given and then only waits. */
const app = ({ secret: given = ', secret: "${env.SHARED_SECRET}"', name = 'shared-postgres', rename = '{DATABASE_URL: AUTH_URL}' } = {}): string => `
version: "1"
services:
  auth:
    runner:
      type: script
      script: {run: 'echo "$AUTH_URL {{uses.pg.port.db}} $FROM_PORT" > given.txt; exec sleep 1000'}
    uses: [{name: ${name}, as: pg, vars: ${rename}${given}}]
    environment: {static: {FROM_PORT: "port {{uses.pg.port.db}}"}}
    restart: {policy: always, delay: 50ms}
`;

describe('expose and uses', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  const begin = async (): Promise<void> => { hive = await TestHive.started({ SHARED_SECRET: secret }); };
  const add = async (name: string, yaml: string): Promise<string> => {
    const folder = await hive.addSource(name, yaml);
    await hive.client.startSource({ name });
    return folder;
  };
  const rewrite = async (name: string, yaml: string): Promise<void> => {
    hive.writeSource(name, yaml);
    await hive.client.reloadSource({ name });
  };
  const given = (): string => {
    const file = join(hive.home, 'projects/app/given.txt');
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  };
  const up = (fqn: string): Promise<Service> => hive.serviceWhen(fqn, ({ state, healthy }) => state === 'running' && healthy !== false && (fqn === 'app:auth' || healthy === true));
  const waits = (text: string): Promise<Service> => hive.serviceWhen('app:auth', ({ state, reason }) => state === 'waiting' && reason.includes(text));
  const says = (port: number): string => `postgres://me:${password}@localhost:${port}/ ${port} port ${port}`;
  const startings = async (): Promise<string[]> => {
    const { events } = await hive.client.listEvents({ types: ['service.starting'], services: ['app:auth'] });
    return events.map((event) => String((event as { reason?: string }).reason));
  };

  it('a consumer waits for what does not exist yet, goes on by itself, and gets its variables renamed', async () => {
    await begin();
    await add('app', app());
    await waits('waiting for shared-postgres, which no service exposes');
    await add('other', infra({ name: 'shared-postgers' }).replace('  postgres:\n', '  cache:\n'));
    await waits('did you mean shared-postgers?');
    await add('infra', infra());
    const { ports } = await up('infra:postgres');
    await up('app:auth');
    await until(() => given() === says(ports['db'] ?? 0) || undefined, 'the consumer to have been given its variables');
    const { exposed } = await hive.client.listExposed({});
    expect(exposed.find(({ service }) => service === 'infra:postgres')).toEqual({
      name: 'shared-postgres', source: 'infra', service: 'infra:postgres', state: 'running', healthy: true, needsSecret: true,
      variables: ['DATABASE_URL'], ports: ['db'], consumers: ['app:auth'],
    });
  });

  it('a wrong or missing secret keeps it from starting, says which side to look at, and goes on once it is right', async () => {
    await begin();
    await add('infra', infra());
    await up('infra:postgres');
    await add('app', app({ secret: '' }));
    expect(await waits('which wants a secret: give it one under uses of app:auth')).toMatchObject({ wanted: 'up' });
    await rewrite('app', app({ secret: `, secret: wrong-${secret}` }));
    await waits('whose secret is another one: look at the secret under uses of app:auth, and under expose of infra:postgres');
    await expect(hive.client.waitForService({ fqn: 'app:auth', for: 'running', timeoutMs: 5_000 })).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED' });
    expect((await hive.service('infra:postgres')).state).toBe('running');
    // The other side may be the one that is wrong.
    await rewrite('infra', infra({ secret: `wrong-${secret}` }));
    await up('app:auth');
  });

  it('says which variable to rename there is not', async () => {
    await begin();
    await add('infra', infra());
    await add('app', app({ rename: '{DATABASE_URI: AUTH_URL}' }));
    await waits('to share DATABASE_URI, which app:auth renames: it shares DATABASE_URL; did you mean DATABASE_URL?');
  });

  it('a provider that restarts with the same variables restarts nobody; one that moves restarts its consumers', async () => {
    await begin();
    await add('infra', infra());
    await add('app', app());
    const before = await up('infra:postgres');
    const { instances: [first] } = await up('app:auth');
    process.kill(before.instances[0]?.pid ?? 0, 'SIGKILL');
    await hive.serviceWhen('infra:postgres', ({ restarts, healthy }) => restarts === 1 && healthy === true);
    expect((await hive.service('app:auth')).instances[0]?.pid).toBe(first?.pid);

    const port = await freePort();
    await rewrite('infra', infra({ ports: `{db: ${port}}` }));
    const moved = await hive.serviceWhen('app:auth', ({ state, instances }) => state === 'running' && instances[0]?.pid !== first?.pid);
    await until(() => given() === says(port) || undefined, 'the consumer to have been given the new port');
    const { events } = await hive.client.listEvents({ services: ['app:auth', 'infra:postgres'] });
    const stopped = events.find((event) => event.type === 'service.stopped' && (event as { service?: string }).service === 'app:auth');
    const because = events.find(({ seq }) => seq === stopped?.cause);
    expect(because).toMatchObject({ type: 'service.healthChanged', service: 'infra:postgres', healthy: true });

    expect((await startings()).at(-1)).toBe('its variables from shared-postgres changed');

    // Another value, with no step of the provider at all.
    await rewrite('infra', infra({ ports: `{db: ${port}}`, vars: '{DATABASE_URL: "elsewhere:{{runtime.port.db}}"}' }));
    await hive.serviceWhen('app:auth', ({ state, instances }) => state === 'running' && instances[0]?.pid !== moved.instances[0]?.pid);
    await until(() => given().startsWith(`elsewhere:${port} `) || undefined, 'the consumer to have been given the new value');
  });

  it('when the provider goes, who runs runs on and says so, and who starts waits', async () => {
    await begin();
    await add('infra', infra());
    await add('app', app());
    await up('infra:postgres');
    const { instances: [first] } = await up('app:auth');
    await hive.client.stopSource({ name: 'infra' });
    await hive.serviceWhen('app:auth', ({ state, reason }) => state === 'running' && reason.includes('shared-postgres (infra:postgres), which it uses, is stopped'));
    await hive.client.removeSource({ name: 'infra' });
    const alone = await hive.serviceWhen('app:auth', ({ reason }) => reason.includes('shared-postgres, which it uses, is gone: no service exposes it'));
    expect(alone.instances[0]?.pid).toBe(first?.pid);
    // A restart by the policy is a start as well.
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await waits('waiting for shared-postgres, which no service exposes');
    await add('infra', infra());
    await up('app:auth');
    expect((await startings()).length).toBeGreaterThanOrEqual(2);
  });

  it('everything outlives the daemon, and a consumer is restarted only when what it was given has changed meanwhile', async () => {
    await begin();
    // In the order of the alphabet the consumer is read first.
    await add('app', app());
    await add('infra', infra());
    await up('infra:postgres');
    const { instances: [first] } = await up('app:auth');
    const before = await startings();
    await hive.restartAfterKill();
    await up('infra:postgres');
    const adopted = await hive.serviceWhen('app:auth', ({ reason }) => !reason.includes('which it uses'));
    expect(adopted.instances[0]?.pid).toBe(first?.pid);
    expect(await startings()).toEqual(before);

    await hive.kill();
    hive.writeSource('infra', infra({ vars: '{DATABASE_URL: "elsewhere:{{runtime.port.db}}"}' }));
    await hive.start();
    await hive.serviceWhen('app:auth', ({ state, instances }) => state === 'running' && instances[0]?.pid !== first?.pid);
    await until(() => given().startsWith('elsewhere:') || undefined, 'the consumer to have been given the new value');
    await hive.kill();
    await hive.start();
    await up('app:auth');
  });

  it('services that use each other wait in a circle that is named, and the daemon can still stop', async () => {
    await begin();
    const one = (name: string, other: string): string => `{runner: {type: script, script: {run: exec sleep 1000}}, expose: {name: shared-${name}}, uses: [{name: shared-${other}}]}`;
    await add('app', `version: "1"\nservices:\n  auth: ${one('auth', 'user')}\n`);
    await add('infra', `version: "1"\nservices:\n  user: ${one('user', 'auth')}\n`);
    await waits('which waits for it in turn (infra:user → app:auth)');
  });

  it('an expose name belongs to one service; the other side is refused and named', async () => {
    await begin();
    await hive.addSource('infra', infra());
    await expect(hive.addSource('copy', infra({ ports: '{db: auto}' }))).rejects.toMatchObject({
      message: expect.stringMatching(/shared-postgres.*copy:postgres.*infra:postgres/),
    });
  });

  it('no secret and no value is found in an answer, an event, a log or the state', async () => {
    await begin();
    await add('infra', infra());
    await add('app', app({ secret: `, secret: wrong-${secret}` }));
    await waits('another one');
    await rewrite('app', app());
    await up('app:auth');
    await until(() => given() !== '' || undefined, 'the consumer to run');
    const answers = JSON.stringify(await Promise.all([
      hive.client.listEvents({}), hive.client.listServices({}), hive.client.listExposed({}), hive.client.listSources({}),
      hive.client.getServiceConfig({ fqn: 'infra:postgres' }), hive.client.getServiceConfig({ fqn: 'app:auth' }), hive.service('app:auth'), hive.service('infra:postgres'),
    ]));
    expect(answers).toContain('shared-postgres');
    expect(answers.includes(secret)).toBe(false);
    expect(answers.includes(password)).toBe(false);
    const plain = filesBelow(hive.home).filter((file) => !file.includes('/projects/') && readFileSync(file).includes(secret));
    // What the files of the user say literally is in their last good copy, too; nothing else is.
    expect(plain.filter((file) => !/state\.db/.test(file))).toEqual([]);
    const valued = filesBelow(hive.home).filter((file) => !/\/projects\/|state\.db/.test(file) && readFileSync(file).includes(password));
    expect(valued).toEqual([]);
    expect(readFileSync(join(hive.home, 'hived.log'), 'utf8').includes(password)).toBe(false);
  });

  it('a source under a database never shows the values it shares', async () => {
    await begin();
    const config = { runner: { type: 'script', script: { run: 'exec sleep 1000' } }, expose: { name: 'greeting', vars: { GREETING: password } } };
    await hive.client.createService({ source: 'cocoons', name: 'greeter', config });
    const shown = await hive.client.getServiceConfig({ fqn: 'cocoons:greeter' });
    expect(JSON.stringify(shown).includes(password)).toBe(false);
    expect(shown).toMatchObject({ config: { expose: { vars: { GREETING: '***' } } } });
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}
