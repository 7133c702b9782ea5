import { mkdir, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pruneDeletedServices } from '../../daemon/sources/revision-history.js';
import { HiveError } from '../../shared/errors/index.js';
import { by, refusal, script, SourcesHome, until, yaml } from './sources-home.js';

let home: SourcesHome;
let path: string;
beforeEach(async () => {
  home = await SourcesHome.make();
  path = join(home.folder, 'jobs.db');
  await home.sources.load();
});
afterEach(async () => home.destroy());

const create = (name: string, config: unknown, source = 'jobs') => home.sources.createService({ source, name, config }, by);

describe('services of a SQLite source', () => {
  it('are created, changed, listed by revision, rolled back and deleted, each with its event', async () => {
    expect(await home.sources.add({ path }, by)).toMatchObject({ name: 'jobs', kind: 'sqlite', services: 0, status: 'loaded' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const seq = home.store.seq;
    const made = await create('web', script('sleep 1', { environment: { static: { MODE: 'a', GONE: 'x' } } }));
    expect(made).toMatchObject({ revision: 1, spec: { fqn: 'jobs:web', runner: { run: 'sleep 1' } } });
    const updated = await home.sources.updateService({ fqn: 'jobs:web', patch: { environment: { static: { MODE: 'b', GONE: null } } }, ifRevision: 1 }, by);
    expect(updated.spec.environment.service.static).toEqual({ MODE: 'b' });
    expect(updated.revision).toBe(2);
    expect((await home.sources.updateService({ fqn: 'jobs:web', patch: {} }, by)).revision).toBe(2);
    const rolledBack = await home.sources.rollbackService({ fqn: 'jobs:web', revision: 1 }, by);
    expect([rolledBack.revision, rolledBack.spec.specHash]).toEqual([3, made.spec.specHash]);
    await home.sources.deleteService('jobs:web', by);
    expect(home.sources.specOf('jobs:web')).toBeNull();
    expect(home.sources.revisions('jobs:web').map(({ revision, action }) => [revision, action])).toEqual([[4, 'delete'], [3, 'rollback'], [2, 'update'], [1, 'create']]);
    const back = await home.sources.rollbackService({ fqn: 'jobs:web', revision: 2 }, by);
    expect(back.spec.environment.service.static).toEqual({ MODE: 'b' });
    expect(home.events(seq).map(({ type, service, fields, cause }) => [type, service, fields, cause])).toEqual([
      ['service.created', 'jobs:web', undefined, by],
      ['service.updated', 'jobs:web', ['environment'], by],
      ['service.updated', 'jobs:web', ['environment'], by],
      ['service.deleted', 'jobs:web', undefined, by],
      ['service.created', 'jobs:web', undefined, by],
    ]);
    expect(home.supervisor.calls.map(({ call, changes }) => [call, changes?.map(({ action }) => action)])).toEqual([
      ['apply', []], ['apply', []], ['apply', ['add']], ['apply', ['replace']], ['apply', ['replace']], ['stopAndDrop', undefined], ['apply', ['add']],
    ]);
    expect(home.sources.get('jobs')).toMatchObject({ revision: 5, services: 1 });
  });

  it('refuse what is wrong and then are as they were', async () => {
    await home.sources.add({ path }, by);
    await create('web', script('sleep 1'));
    const seq = home.store.seq;
    const refusals: [Promise<unknown>, string][] = [
      [create('web', script('x')), 'ALREADY_EXISTS'],
      [create('bad', { runner: { type: 'script' } }), 'INVALID_CONFIG'],
      [create('bad', 'text'), 'INVALID_CONFIG'],
      [create('bad', undefined), 'INVALID_CONFIG'],
      [create('bad', script('x', { depends_on: ['nobody'] })), 'INVALID_CONFIG'],
      [create('web2', script('x'), 'nowhere'), 'NOT_FOUND'],
      [home.sources.updateService({ fqn: 'jobs:web', patch: { runner: null } }, by), 'INVALID_CONFIG'],
      [home.sources.updateService({ fqn: 'jobs:web', patch: { stop: { grace: '1s' } }, ifRevision: 7 }, by), 'CONFLICT'],
      [home.sources.updateService({ fqn: 'jobs:nobody', patch: {} }, by), 'NOT_FOUND'],
      [home.sources.rollbackService({ fqn: 'jobs:web', revision: 99 }, by), 'NOT_FOUND'],
      [home.sources.deleteService('jobs:nobody', by), 'NOT_FOUND'],
      ...['../x', 'a/b', '-rf', '', 'a\0b', 'x'.repeat(300), 'wеb', 'Web', '__proto__'].map((name): [Promise<unknown>, string] => [create(name, script('x')), 'INVALID_PARAMS']),
    ];
    for (const [work, code] of refusals) expect((await refusal(work)).code).toBe(code);
    expect(home.events(seq)).toEqual([]);
    expect(home.sources.allSpecs().map(({ fqn }) => fqn)).toEqual(['jobs:web']);
    expect(home.sources.revisions('jobs:web')).toHaveLength(1);
  });

  it('are read-only in a YAML source, and the file to edit is named', async () => {
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 1' })) }, by);
    for (const work of [create('new', script('x'), 'shop'), home.sources.updateService({ fqn: 'shop:web', patch: {} }, by), home.sources.deleteService('shop:web', by), home.sources.rollbackService({ fqn: 'shop:web', revision: 1 }, by)]) {
      const refused = await refusal(work);
      expect(refused.code).toBe('READ_ONLY_SOURCE');
      expect(refused.next).toContain(home.file('shop'));
    }
    expect(home.sources.configOf('shop:web')).toEqual({ fqn: 'shop:web', revision: 1, config: script('sleep 1') });
  });

  it('are not deleted while others depend on them, nor when they cannot be stopped', async () => {
    await home.sources.add({ path }, by);
    await create('db', script('x'));
    await create('web', script('x', { depends_on: ['db'] }));
    const needed = await refusal(home.sources.deleteService('jobs:db', by));
    expect(needed.code).toBe('INVALID_CONFIG');
    expect(needed.message).toContain('web');
    expect(home.supervisor.calls.some(({ call }) => call === 'stopAndDrop')).toBe(false);
    home.supervisor.stopFails = new HiveError('STOP_FAILED', 'Process 4711 is still alive.');
    expect(await refusal(home.sources.deleteService('jobs:web', by))).toMatchObject({ code: 'STOP_FAILED' });
    expect(home.sources.specOf('jobs:web')).not.toBeNull();
  });

  it('keep their newest revisions, also after they were deleted, and forget older ones', async () => {
    home.environment['HIVE_KEPT_REVISIONS'] = '5';
    await home.restart();
    await home.sources.add({ path: join(home.folder, 'jobs.db') }, by);
    await home.sources.createService({ source: 'jobs', name: 'web', config: script('run 0') }, by);
    await home.sources.createService({ source: 'jobs', name: 'db', config: script('serve') }, by);
    for (let round = 1; round <= 8; round += 1) await home.sources.updateService({ fqn: 'jobs:web', patch: { runner: { script: { run: `run ${round}` } } } }, by);
    expect(home.sources.revisions('jobs:web').map(({ revision }) => revision)).toEqual([10, 9, 8, 7, 6]);
    expect(home.sources.revisions('jobs:db')).toHaveLength(1);
    expect(await refusal(home.sources.rollbackService({ fqn: 'jobs:web', revision: 1 }, by))).toMatchObject({ code: 'NOT_FOUND' });
    expect((await home.sources.rollbackService({ fqn: 'jobs:web', revision: 6 }, by)).revision).toBe(11);
    await home.restart();
    expect(home.sources.specOf('jobs:web')?.runner).toMatchObject({ run: 'run 4' });
    await home.sources.deleteService('jobs:web', by);
    expect(home.sources.revisions('jobs:web').map(({ action }) => action)).toEqual(['delete', 'rollback', 'update', 'update', 'update']);
    expect((await home.sources.rollbackService({ fqn: 'jobs:web', revision: 11 }, by)).revision).toBe(13);
    expect(home.sources.get('jobs').revision).toBe(13);
  });

  it('that were deleted are forgotten after many others were', () => {
    const db = new Database(join(home.folder, 'history.db'));
    db.exec("CREATE TABLE services (name TEXT); CREATE TABLE revisions (revision INTEGER PRIMARY KEY, service TEXT); INSERT INTO services VALUES ('alive')");
    for (const [revision, service] of ['alive', 'a', 'a', 'b', 'c', 'b'].entries()) db.prepare('INSERT INTO revisions VALUES (?, ?)').run(revision, service);
    pruneDeletedServices(db, 2);
    expect(db.prepare('SELECT service FROM revisions ORDER BY revision').pluck().all()).toEqual(['alive', 'b', 'c', 'b']);
    db.close();
  });

  it('go into cocoons without anybody having made it', async () => {
    await create('worker', script('sleep 1'), 'cocoons');
    expect(home.sources.get('cocoons')).toMatchObject({ kind: 'sqlite', path: join(home.path, 'cocoons.db'), services: 1 });
    expect(home.eventTypes()).toEqual(['source.added', 'service.created']);
    await home.restart();
    expect(home.supervisor.runs('cocoons')).toEqual(['worker=sleep 1']);
    await Promise.all([1, 2, 3].map((number) => create(`worker${number}`, script('sleep 1'), 'cocoons')));
    expect(home.sources.get('cocoons').services).toBe(4);
  });

  it('are not written into a source that is removed at the same time', async () => {
    await home.sources.add({ path }, by);
    const outcomes = await Promise.allSettled([home.sources.remove('jobs', by), create('late', script('x')), home.sources.reload('jobs', by), home.sources.add({ path }, by)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(home.sources.get('jobs')).toMatchObject({ status: 'loaded', services: 0 });
    await create('web', script('x'));
    const again = home.sources.remove('jobs', by);
    const [, created] = await Promise.all([home.sources.add({ path }, by), home.sources.add({ path }, by).then(() => create('two', script('x'))), again]);
    expect(created.spec.fqn).toBe('jobs:two');
    expect(home.supervisor.runs('jobs')).toEqual(['two=x', 'web=x']);
  });

  it('hide secrets when shown, and keep them when what was shown is sent back', async () => {
    await home.sources.add({ path }, by);
    const secrets = { API_TOKEN: 'planted-1', DB_PASSWORD: 'planted-2', URL: 'postgres://me:planted-3@db/x', PLAIN: 'planted-7', DEFAULT: '${env.HOME:-planted-8}', FROM_ENV: '${env.HOME:-}', KEY: '${env.KEY:-}' };
    await create('web', script('curl -H "Authorization: Bearer planted-4xx" --token=planted-5', {
      environment: { static: secrets },
      rollout: { type: 'recreate', recreate: { ports: { http: 8012 } } },
      expose: { name: 'web', secret: 'planted-6', vars: {} },
    }));
    const { config, revision } = home.sources.configOf('jobs:web');
    const shown = JSON.stringify([config, home.sources.revisions('jobs:web'), home.events()]);
    expect(shown).not.toContain('planted');
    expect(config).toMatchObject({ environment: { static: { API_TOKEN: '***', PLAIN: '***', DEFAULT: '***', FROM_ENV: '${env.HOME:-}', KEY: '${env.KEY:-}', URL: '***' } }, expose: { secret: '***' } });
    const sent = { ...(config as object), stop: { grace: '3s' } };
    expect((await home.sources.updateService({ fqn: 'jobs:web', patch: sent, ifRevision: revision }, by)).spec.environment.service.static).toMatchObject({ API_TOKEN: 'planted-1', PLAIN: 'planted-7', URL: 'postgres://me:planted-3@db/x' });
    expect(home.events().at(-1)).toMatchObject({ type: 'service.updated', fields: ['stop'] });
    expect(await refusal(create('copy', config))).toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringContaining('API_TOKEN') });
  });
});

describe('the file of a SQLite source', () => {
  it('may be changed by other programs: noticed, with revisions of its own', async () => {
    await home.sources.add({ path }, by);
    await create('web', script('sleep 1'));
    const other = new Database(path);
    other.prepare("INSERT INTO services (name, config) VALUES ('hand', ?)").run(JSON.stringify(script('sleep 9')));
    other.prepare("INSERT INTO settings VALUES ('environment', ?)").run(JSON.stringify({ static: { FOR_ALL: '1' } }));
    other.close();
    const plan = await home.sources.plan('jobs');
    const { changes } = await home.sources.reload('jobs', by);
    expect(changes).toEqual([{ service: 'jobs:hand', action: 'add', fields: [] }, { service: 'jobs:web', action: 'replace', fields: ['environment'] }]);
    expect(plan.changes).toEqual(changes);
    expect(home.sources.revisions('jobs:hand')).toMatchObject([{ revision: 2, action: 'create' }]);
    const again = new Database(path);
    again.prepare("UPDATE services SET config = ? WHERE name = 'hand'").run(JSON.stringify(script('sleep 10')));
    again.close();
    await until(() => home.supervisor.runs('jobs').includes('hand=sleep 10'), 'the change is noticed without being told');
    // An edit builds on what is in the file, noticed already or not.
    const third = new Database(path);
    third.prepare("DELETE FROM services WHERE name = 'hand'").run();
    third.close();
    await create('hand', script('sleep 11'));
    expect(home.supervisor.runs('jobs')).toEqual(['hand=sleep 11', 'web=sleep 1']);
  });

  it('runs its last good revision when another program makes it invalid, and the daemon starts beside that', async () => {
    await home.sources.add({ path }, by);
    await create('web', script('sleep 1'));
    const other = new Database(path);
    other.prepare("UPDATE services SET config = '{}' WHERE name = 'web'").run();
    other.close();
    expect(await refusal(home.sources.reload('jobs', by))).toMatchObject({ code: 'INVALID_CONFIG' });
    await home.restart();
    expect(home.sources.get('jobs')).toMatchObject({ status: 'error', services: 1 });
    expect(home.supervisor.runs('jobs')).toEqual(['web=sleep 1']);
    expect(await home.sources.rollbackService({ fqn: 'jobs:web', revision: 1 }, by)).toMatchObject({ revision: 3 });
    expect(home.sources.get('jobs')).toMatchObject({ status: 'loaded' });
  });

  it('is refused when it is damaged, foreign or no database, and left as it is', async () => {
    await writeFile(path, 'this is not a database, it is a text of some length'.repeat(50));
    expect((await refusal(home.sources.add({ path }, by))).message).toContain('not a SQLite database');
    const foreign = join(home.folder, 'foreign.db');
    const db = new Database(foreign);
    db.exec("CREATE TABLE services (id INTEGER); INSERT INTO services VALUES (1)");
    db.close();
    const before = await readFile(foreign);
    expect((await refusal(home.sources.add({ path: foreign }, by))).message).toContain('another program');
    expect((await readFile(foreign)).equals(before)).toBe(true);
    await mkdir(join(home.folder, 'folder.db'));
    expect(await refusal(home.sources.add({ path: join(home.folder, 'folder.db') }, by))).toMatchObject({ code: 'NOT_FOUND' });
    expect(home.sources.list()).toHaveLength(1);
  });

  it('that is damaged or lost later becomes an error of its source and of nothing else', async () => {
    await home.sources.add({ path }, by);
    await create('web', script('sleep 1'));
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 2' })) }, by);
    await rename(path, `${path}.away`);
    expect((await refusal(create('more', script('x')))).message).toContain('is gone');
    expect(await refusal(home.sources.reload('jobs', by))).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(home.supervisor.runs('jobs')).toEqual(['web=sleep 1']);
    await rename(`${path}.away`, path);
    expect(await home.sources.reload('jobs', by)).toMatchObject({ changes: [], source: { status: 'loaded' } });
    await home.close();
    await truncate(path, 5000);
    await home.restart();
    expect(home.sources.get('jobs')).toMatchObject({ status: 'error' });
    expect(home.sources.get('jobs').problems[0]?.message).toContain(path);
    expect(home.sources.loaded()).not.toContain('jobs');
    expect(home.supervisor.runs('shop')).toEqual(['web=sleep 2']);
    expect(await refusal(create('more', script('x')))).toMatchObject({ code: 'STORAGE_FAILED' });
  });

  it('locked by another program delays nobody for long', async () => {
    await home.sources.add({ path }, by);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const started = performance.now();
    expect(await refusal(create('web', script('x')))).toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringContaining('locked') });
    expect(performance.now() - started).toBeLessThan(1000);
    other.exec('ROLLBACK');
    other.close();
    await create('web', script('x'));
  });
});
