import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HiveError } from '../../shared/errors/index.js';
import { by, refusal, SourcesHome, until, yaml } from './sources-home.js';

let home: SourcesHome;
beforeEach(async () => { home = await SourcesHome.make(); });
afterEach(async () => home.destroy());

describe('adding a source', () => {
  it('registers a folder, announces its services once that is durable, and says so in the journal', async () => {
    await home.sources.load();
    const folder = await home.project('My Shop', yaml({ web: 'sleep 1', db: 'sleep 2' }));
    const source = await home.sources.add({ path: folder }, by);
    expect(source).toMatchObject({ name: 'my-shop', kind: 'yaml', path: home.file('My Shop'), enabled: true, status: 'loaded', problems: [], services: 2, revision: 1 });
    expect(home.supervisor.applied('my-shop').map(({ changes }) => changes)).toEqual([
      [{ service: 'my-shop:web', action: 'add', fields: [] }, { service: 'my-shop:db', action: 'add', fields: [] }],
    ]);
    const [added, ...services] = home.events();
    expect(added).toMatchObject({ type: 'source.added', source: 'my-shop', cause: by });
    expect(services.map(({ type, service, cause }) => [type, service, cause])).toEqual([
      ['service.created', 'my-shop:web', added?.seq],
      ['service.created', 'my-shop:db', added?.seq],
    ]);
    expect(home.sources.specOf('my-shop:web')?.runner).toMatchObject({ run: 'sleep 1' });
    expect(home.sources.allSpecs()).toHaveLength(2);
    expect(home.sources.list().map(({ name }) => name)).toEqual(['default', 'my-shop']);
  });

  it('is idempotent by path, whichever way the path is written and however many ask at once', async () => {
    await home.sources.load();
    const folder = await home.project('shop', yaml({ web: 'sleep 1' }));
    await symlink(folder, join(home.folder, 'link'));
    const paths = [folder, join(home.folder, 'link'), home.file('shop'), join(home.folder, 'link', '.adi', 'hive.yaml'), `${folder}/./`];
    const answers = await Promise.all(paths.map((path) => home.sources.add({ path }, by)));
    expect(new Set(answers.map(({ name }) => name))).toEqual(new Set(['shop']));
    expect(home.eventTypes().filter((type) => type === 'source.added')).toHaveLength(1);
    expect(home.supervisor.applied('shop')).toHaveLength(1);
    const other = await refusal(home.sources.add({ path: folder, name: 'other' }, by));
    expect(other).toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(other.message).toContain('"shop"');
  });

  it('refuses a name that is taken, reserved or none, and says what to do', async () => {
    await home.sources.load();
    await home.sources.add({ path: await home.project('shop', yaml({})) }, by);
    const again = await home.project('other/shop', yaml({}));
    const taken = await refusal(home.sources.add({ path: again }, by));
    expect([taken.code, taken.next]).toEqual(['ALREADY_EXISTS', expect.stringContaining('--name shop-2')]);
    expect(await home.sources.add({ path: again, name: 'shop-2' }, by)).toMatchObject({ name: 'shop-2' });
    const third = await home.project('third', yaml({}));
    for (const name of ['default', 'cocoons']) expect(await refusal(home.sources.add({ path: third, name }, by))).toMatchObject({ code: 'ALREADY_EXISTS' });
    for (const name of ['../x', 'a/b', '-rf', '', 'a\0b', 'x'.repeat(300), 'раypal', 'Shop']) {
      const refused = await refusal(home.sources.add({ path: third, name }, by));
      expect(refused.code).toBe('INVALID_PARAMS');
      expect(refused.message).toMatch(/\.$/);
    }
    expect(home.sources.list().map(({ name }) => name)).toEqual(['default', 'shop', 'shop-2']);
  });

  it('refuses what is no source', async () => {
    await home.sources.load();
    await mkdir(join(home.folder, 'empty'));
    await writeFile(join(home.folder, 'notes.txt'), 'x');
    expect(await refusal(home.sources.add({ path: join(home.folder, 'nowhere') }, by))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusal(home.sources.add({ path: join(home.folder, 'empty') }, by))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusal(home.sources.add({ path: join(home.folder, 'notes.txt') }, by))).toMatchObject({ code: 'INVALID_PARAMS' });
    expect(await refusal(home.sources.add({ path: 'relative' }, by))).toMatchObject({ code: 'INVALID_PARAMS' });
  });

  it('reports every mistake of a file at once, with its place, and registers nothing', async () => {
    await home.sources.load();
    const lines = [
      'version: "1"',
      'services:',
      '  Web: {runner: {type: script, script: {run: "a"}}}',
      '  b: {runner: {type: script, script: {ran: "a"}}}',
      '  c: {runner: {type: script, script: {run: "a"}}, restart: sometimes}',
      '  d: {runner: {type: script, script: {run: "a"}}, depends_on: [nobody]}',
      '  e: {runner: {type: script, script: {run: "a"}}, stop: {grace: 10}}',
      '  f: {runner: {type: script, script: {run: "a"}}, logs: {max_size: 10XB}}',
      '  g: {runner: {type: script, script: {run: "${env.NOT_SET_ANYWHERE}"}}}',
      '  h: {runner: {type: script, script: {run: "a"}}, instances: 0}',
      '  i: {runner: {type: scrpt, script: {run: "a"}}}',
      '  j: {runner: {type: script, script: {run: "a"}}, unknown_key: 1}',
    ];
    const folder = await home.project('shop', `${lines.join('\n')}\n`);
    const refused = await refusal(home.sources.add({ path: folder }, by));
    expect(refused.code).toBe('INVALID_CONFIG');
    const problems = refused.data['problems'] as { line: number; file: string }[];
    expect([...new Set(problems.map(({ line }) => line))]).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(new Set(problems.map(({ file }) => file))).toEqual(new Set([home.file('shop')]));
    expect(home.sources.list().map(({ name }) => name)).toEqual(['default']);
    expect(home.events()).toEqual([]);
  });
});

describe('reloading a source', () => {
  it('touches only what changed', async () => {
    await home.sources.load();
    const folder = await home.project('shop', yaml({ same: 'sleep 1', other: 'sleep 2', gone: 'sleep 3', live: '{runner: {type: script, script: {run: x}}, stop: {grace: 1s}}' }));
    await home.sources.add({ path: folder }, by);
    const seq = home.store.seq;
    await writeFile(home.file('shop'), yaml({ same: 'sleep 1', other: 'sleep 22', new: 'sleep 4', live: '{runner: {type: script, script: {run: x}}, stop: {grace: 2s}}' }));
    // The watch may be faster than this call; what goes live is the same.
    await home.sources.reload('shop', by);
    const changes = home.supervisor.applied('shop').at(-1)?.changes;
    expect(changes).toEqual([
      { service: 'shop:other', action: 'replace', fields: ['runner'] },
      { service: 'shop:new', action: 'add', fields: [] },
      { service: 'shop:live', action: 'live', fields: ['stop'] },
      { service: 'shop:gone', action: 'remove', fields: [] },
    ]);
    expect(home.supervisor.applied('shop')).toHaveLength(2);
    expect(home.sources.get('shop')).toMatchObject({ revision: 2, services: 4 });
    const [changed, ...rest] = home.events(seq);
    expect(changed).toMatchObject({ type: 'source.changed', source: 'shop', revision: 2, changes });
    expect(rest.map(({ type, service, cause }) => [type, service, cause])).toEqual([
      ['service.updated', 'shop:other', changed?.seq],
      ['service.created', 'shop:new', changed?.seq],
      ['service.updated', 'shop:live', changed?.seq],
      ['service.deleted', 'shop:gone', changed?.seq],
    ]);
    expect((await home.sources.reload('shop', by)).changes).toEqual([]);
    expect(home.events(seq)).toHaveLength(5);
  });

  it('leaves the last good revision live when the file is bad, shows why, and recovers', async () => {
    await home.sources.load();
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 1' })) }, by);
    const good = await readFile(home.file('shop'), 'utf8');
    await writeFile(home.file('shop'), 'services: [');
    expect(await refusal(home.sources.reload('shop', by))).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(home.sources.get('shop')).toMatchObject({ status: 'error', revision: 1, services: 1 });
    expect((await home.sources.plan('shop')).problems.length).toBeGreaterThan(0);
    expect(home.sources.specOf('shop:web')).not.toBeNull();
    expect(home.supervisor.applied('shop')).toHaveLength(1);
    expect(home.events().at(-1)).toMatchObject({ type: 'source.error', source: 'shop' });
    await writeFile(home.file('shop'), good);
    expect(await home.sources.reload('shop', by)).toMatchObject({ changes: [], source: { status: 'loaded', problems: [], revision: 1 } });
    expect(home.events().at(-1)).toMatchObject({ type: 'source.changed', source: 'shop', changes: [] });
    await rm(home.file('shop'));
    const gone = await refusal(home.sources.reload('shop', by));
    expect(gone.message).toContain('is gone');
    expect(home.sources.specOf('shop:web')).not.toBeNull();
  });

  it('counts what a dotenv file says as part of the service', async () => {
    await home.sources.load();
    const folder = await home.project('shop', yaml({ web: '{runner: {type: script, script: {run: x}}, environment: {dotenv: {files: [.env]}}}', plain: 'x' }));
    await writeFile(join(folder, '.env'), 'A=1\n');
    await home.sources.add({ path: folder }, by);
    expect((await home.sources.reload('shop', by)).changes).toEqual([]);
    await writeFile(join(folder, '.env.new'), 'A=planted-secret-2\n');
    await rename(join(folder, '.env.new'), join(folder, '.env'));
    await until(() => home.supervisor.applied('shop').length === 2, 'the changed .env is noticed');
    expect(home.supervisor.applied('shop').at(-1)?.changes).toEqual([{ service: 'shop:web', action: 'replace', fields: ['environment'] }]);
    const hash = home.sources.specOf('shop:web')?.instanceHash;
    await home.restart();
    expect(home.sources.specOf('shop:web')?.instanceHash).toBe(hash);
    expect(home.store.db.prepare("SELECT count(*) FROM sources WHERE good LIKE '%planted-secret%'").pluck().get()).toBe(0);
  });
});

describe('removing, disabling and enabling', () => {
  it('stops before it forgets, and says source.removed last', async () => {
    await home.sources.load();
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 1' })) }, by);
    home.supervisor.whileStopping = async () => {
      expect(home.sources.get('shop').status).toBe('loaded');
      await home.store.record((tx) => tx.append({ type: 'service.stopped', service: 'shop:web', instance: 'shop:web#1' }));
    };
    expect(await home.sources.remove('shop', by)).toMatchObject({ name: 'shop' });
    expect(home.eventTypes().slice(-3)).toEqual(['service.stopped', 'service.deleted', 'source.removed']);
    expect(home.supervisor.calls.slice(-2)).toEqual([{ call: 'stopAll', target: 'shop' }, { call: 'drop', target: 'shop', why: 'removed' }]);
    expect(await refusal(home.sources.remove('shop', by))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusal(home.sources.remove('default', by))).toMatchObject({ code: 'INVALID_PARAMS' });
    await home.restart();
    expect(home.sources.list().map(({ name }) => name)).toEqual(['default']);
  });

  it('keeps a source whose services cannot be stopped', async () => {
    await home.sources.load();
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 1' })) }, by);
    home.supervisor.stopFails = new HiveError('STOP_FAILED', 'Process 4711 is still alive.', { data: { survivors: [4711] } });
    expect(await refusal(home.sources.remove('shop', by))).toMatchObject({ code: 'STOP_FAILED' });
    expect(await refusal(home.sources.disable('shop', by))).toMatchObject({ code: 'STOP_FAILED' });
    expect(home.sources.get('shop')).toMatchObject({ enabled: true, status: 'loaded' });
    await home.restart();
    expect(home.supervisor.runs('shop')).toEqual(['web=sleep 1']);
  });

  it('remembers a disabled source, takes it up as its file then says, and does both only once', async () => {
    await home.sources.load();
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 1' })) }, by);
    expect(await home.sources.disable('shop', by)).toMatchObject({ enabled: false, status: 'disabled' });
    expect(await home.sources.disable('shop', by)).toMatchObject({ enabled: false });
    expect(home.supervisor.calls.filter(({ call }) => call === 'stopAll')).toHaveLength(1);
    expect(home.supervisor.calls.at(-1)).toEqual({ call: 'drop', target: 'shop', why: 'disabled' });
    expect([home.sources.specOf('shop:web'), home.sources.allSpecs()]).toEqual([null, []]);
    await home.restart();
    expect(home.sources.get('shop').status).toBe('disabled');
    expect(home.supervisor.calls.filter(({ target }) => target === 'shop')).toEqual([]);
    await writeFile(home.file('shop'), 'nonsense');
    expect(await refusal(home.sources.enable('shop', by))).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(home.sources.get('shop').status).toBe('disabled');
    await writeFile(home.file('shop'), yaml({ web: 'sleep 5' }));
    expect(await home.sources.enable('shop', by)).toMatchObject({ enabled: true, status: 'loaded', revision: 2 });
    expect(await home.sources.enable('shop', by)).toMatchObject({ enabled: true });
    expect(home.supervisor.applied('shop').map(({ changes }) => changes)).toEqual([[{ service: 'shop:web', action: 'add', fields: [] }]]);
    expect(home.supervisor.runs('shop')).toEqual(['web=sleep 5']);
  });

  it('registers a source anew when its removal was still under way', async () => {
    await home.sources.load();
    const path = await home.project('shop', yaml({ web: 'sleep 1' }));
    await home.sources.add({ path }, by);
    const removal = home.sources.remove('shop', by);
    const [, again] = await Promise.all([removal, home.sources.add({ path }, by)]);
    expect(again).toMatchObject({ name: 'shop', status: 'loaded' });
    expect(home.sources.get('shop').services).toBe(1);
    expect(home.supervisor.calls.map(({ call }) => call).slice(-3)).toEqual(['stopAll', 'drop', 'apply']);
  });
});

describe('the default source', () => {
  it('is there without a file, appears with it, and outlives its loss', async () => {
    await home.sources.load();
    expect(home.sources.get('default')).toMatchObject({ name: 'default', status: 'loaded', services: 0, problems: [] });
    await writeFile(join(home.path, 'hive.yaml'), yaml({ web: 'sleep 1' }));
    await until(() => home.supervisor.runs('default').length === 1, 'the new file is noticed');
    expect(await home.sources.add({ path: home.path }, by)).toMatchObject({ name: 'default' });
    expect(await home.sources.add({ path: join(home.path, 'hive.yaml') }, by)).toMatchObject({ name: 'default' });
    await rm(join(home.path, 'hive.yaml'));
    await until(() => home.sources.get('default').status === 'error', 'the loss is shown');
    expect(home.supervisor.runs('default')).toEqual(['web=sleep 1']);
    await home.restart();
    expect(home.sources.get('default').status).toBe('error');
    expect(home.supervisor.runs('default')).toEqual(['web=sleep 1']);
    await writeFile(join(home.path, 'hive.yaml'), yaml({}));
    await until(() => home.supervisor.runs('default').length === 0, 'an emptied file takes the services away');
  });

  it('refuses two files at once', async () => {
    await writeFile(join(home.path, 'hive.yaml'), yaml({ web: 'sleep 1' }));
    await home.sources.load();
    await writeFile(join(home.path, 'hive.db'), '');
    expect((await refusal(home.sources.reload('default', by))).message).toContain('Both hive.yaml and hive.db');
    expect(home.sources.specOf('default:web')).not.toBeNull();
  });
});

describe('a daemon that starts', () => {
  it('runs the last good revision beside a broken file, and what changed meanwhile otherwise', async () => {
    await home.sources.load();
    await home.sources.add({ path: await home.project('broken', yaml({ web: 'sleep 1' })) }, by);
    await home.sources.add({ path: await home.project('changed', yaml({ web: 'sleep 1' })) }, by);
    await home.close();
    await writeFile(home.file('broken'), '');
    await writeFile(home.file('changed'), yaml({ web: 'sleep 2' }));
    await home.restart();
    expect(home.supervisor.runs('broken')).toEqual(['web=sleep 1']);
    expect(home.sources.get('broken')).toMatchObject({ status: 'error', services: 1, revision: 1 });
    expect(home.supervisor.applied('changed').map(({ changes }) => changes?.map(({ action }) => action))).toEqual([['add']]);
    expect(home.supervisor.runs('changed')).toEqual(['web=sleep 2']);
    expect(home.events().slice(-3).map(({ type, source, service }) => [type, source ?? service])).toEqual([
      ['source.error', 'broken'],
      ['source.changed', 'changed'],
      ['service.updated', 'changed:web'],
    ]);
    await home.restart();
    expect(home.supervisor.runs('broken')).toEqual(['web=sleep 1']);
  });

  it('knows of a source that it cannot read at all, and says which', async () => {
    home.environment['TOKEN_OF_SHOP'] = 'x';
    await home.sources.load();
    await home.sources.add({ path: await home.project('shop', yaml({ web: 'echo ${env.TOKEN_OF_SHOP}' })) }, by);
    delete home.environment['TOKEN_OF_SHOP'];
    await home.restart();
    expect(home.sources.get('shop')).toMatchObject({ status: 'error', services: 0 });
    expect(home.sources.loaded()).not.toContain('shop');
    expect(home.supervisor.applied('shop')).toEqual([]);
  });
});
