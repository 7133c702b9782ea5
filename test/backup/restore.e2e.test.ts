import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RestoreAnswer } from '../../plugins/backup/restore/restore.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';
import { ask, configure, folderFor, plugin, sleeper } from './backup-hive.js';

let hive: TestHive;
afterEach(() => hive.end());

const job = (seconds: number, more: object = {}): object => ({ runner: { type: 'script', script: { run: `exec sleep ${seconds}` } }, ...more });

/** A daemon with a folder to back up to and one service; what `prepare` does is in the backup that is made. */
async function backedUp(prepare: () => Promise<unknown> = async () => undefined): Promise<{ id: string; dir: string }> {
  hive = await TestHive.started();
  const dir = join(folderFor(hive, 'backups'), 'here');
  await configure(hive, { dir, include_secrets: true }, { web: sleeper });
  await prepare();
  const { id } = await ask<{ id: string }>(hive, 'create');
  return { id, dir };
}

const restore = (params: object = {}): Promise<RestoreAnswer> => ask<RestoreAnswer>(hive, 'restore', { apply: true, ...params });
const wantsAndRuns = (fqn: string) => hive.serviceWhen(fqn, ({ state, wanted }) => state === 'running' && wanted === 'up');

describe('restoring into a running daemon', () => {
  it('has nothing to do right after a backup, and says so', async () => {
    const { id } = await backedUp(() => hive.client.createService({ source: 'cocoons', name: 'one', config: job(1_000) }));
    const { steps, snapshot, outcome } = await ask<RestoreAnswer>(hive, 'restore');
    expect({ steps, snapshot, outcome }).toEqual({ steps: [], snapshot: id, outcome: null });
    expect(await restore()).toMatchObject({ outcome: { done: [], failed: [], kept: [] } });
  });

  it('puts back what was changed since, keeps what was there, and touches nothing else', async () => {
    const yaml = `version: "1"\nservices:\n  worker: ${sleeper} # a remark\n`;
    const { id } = await backedUp(async () => {
      await hive.addSource('shop', yaml);
      await hive.client.startSource({ name: 'shop' });
      await hive.client.scaleService({ fqn: 'shop:worker', instances: 2 });
    });
    const { startedAt } = await wantsAndRuns('default:web');
    const file = join(hive.home, 'projects/shop/.adi/hive.yaml');
    writeFileSync(file, yaml.replace('1000', '999'));
    await hive.client.reloadSource({ name: 'shop' });
    await hive.client.stopService({ fqn: 'shop:worker' });
    await hive.client.scaleService({ fqn: 'shop:worker', instances: 1 });
    await hive.addSource('later', yaml);

    const planned = await ask<RestoreAnswer>(hive, 'restore', { id: id.slice(0, 20) });
    expect(planned.steps).toEqual(['remember what was wanted: shop:worker as if nobody had said anything, shop:* up, shop:worker × 2', `replace ${file}; the present one is kept beside it`, 'reload source shop']);
    expect(planned.remarks).toEqual(['Not in the snapshot, and left as they are: later.']);
    expect(readFileSync(file, 'utf8')).toContain('999');

    const { outcome } = await restore();
    expect(outcome).toMatchObject({ failed: [], kept: [`${file}.before-${id}`] });
    expect(readFileSync(file, 'utf8')).toBe(yaml);
    expect(readFileSync(`${file}.before-${id}`, 'utf8')).toContain('999');
    await hive.serviceWhen('shop:worker', ({ instances }) => instances.filter(({ state }) => state === 'running').length === 2);
    expect(await hive.service('default:web')).toMatchObject({ startedAt });
    expect(await hive.service('later:worker')).toMatchObject({ wanted: 'down' });
  });

  it('puts a database back while the daemon has it open, with its history', async () => {
    const { id } = await backedUp(async () => {
      await hive.client.createService({ source: 'cocoons', name: 'one', config: job(1_000) });
      await hive.client.createService({ source: 'cocoons', name: 'two', config: job(1_000) });
      await hive.client.startService({ fqn: 'cocoons:one' });
    });
    await hive.client.deleteService({ fqn: 'cocoons:one' });
    await hive.client.updateService({ fqn: 'cocoons:two', patch: job(999) });
    await hive.client.createService({ source: 'cocoons', name: 'three', config: job(1_000) });
    const { outcome } = await restore();
    expect(outcome?.failed).toEqual([]);
    expect((await hive.client.listServices({ source: 'cocoons' })).services.map(({ name }) => name).sort()).toEqual(['one', 'two']);
    await wantsAndRuns('cocoons:one');
    expect((await hive.client.listRevisions({ fqn: 'cocoons:two' })).revisions).toHaveLength(1);
    expect((await restore()).outcome).toMatchObject({ done: [], failed: [] });
    // It goes on as a database that is written to.
    await hive.client.createService({ source: 'cocoons', name: 'four', config: job(1_000) });
    await hive.restartAfterKill();
    expect((await hive.client.listServices({ source: 'cocoons' })).services.map(({ name }) => name).sort()).toEqual(['four', 'one', 'two']);
    expect(existsSync(join(hive.home, `cocoons.db.before-${id}`))).toBe(true);
  });

  it('puts a database back that was damaged, and keeps the damaged one', async () => {
    const { id } = await backedUp(async () => {
      await hive.client.createService({ source: 'cocoons', name: 'one', config: job(1_000) });
      await hive.client.startService({ fqn: 'cocoons:one' });
    });
    const database = join(hive.home, 'cocoons.db');
    for (const suffix of ['-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true });
    writeFileSync(database, 'no database any more'.repeat(1_000));
    const { outcome } = await restore();
    expect(outcome?.failed).toEqual([]);
    expect(readFileSync(`${database}.before-${id}`, 'utf8')).toContain('no database');
    expect(await hive.client.getServiceConfig({ fqn: 'cocoons:one' })).toMatchObject({ config: job(1_000) });
  });

  it('goes on where one source cannot be restored, and says which and why', async () => {
    const yaml = (port: number): string => `version: "1"\nservices:\n  worker: {runner: {type: script, script: {run: exec sleep 1000}}, rollout: {type: recreate, recreate: {ports: {http: ${port}}}}}\n`;
    await backedUp(async () => {
      await hive.addSource('shop', yaml(18_433));
      await hive.addSource('yard', yaml(18_434));
    });
    for (const name of ['shop', 'yard']) await hive.client.removeSource({ name });
    await hive.addSource('taken', yaml(18_433));
    const { outcome } = await restore();
    expect(outcome?.failed).toMatchObject([{ step: expect.stringContaining('register source shop'), problem: expect.stringContaining('18433') }]);
    expect((await hive.client.listSources()).sources.map(({ name }) => name)).toEqual(['default', 'taken', 'yard']);
  });

  it('leaves a disabled source disabled, and starts nothing of it on the way', async () => {
    await backedUp(async () => {
      await hive.addSource('shop', `version: "1"\nservices: {worker: ${sleeper}}\n`);
      await hive.client.startSource({ name: 'shop' });
      await wantsAndRuns('shop:worker');
      await hive.client.disableSource({ name: 'shop' });
    });
    await hive.client.removeSource({ name: 'shop' });
    const { seq } = (await hive.client.status()).journal;
    expect((await restore()).outcome).toMatchObject({ failed: [] });
    expect((await hive.client.listSources()).sources.find(({ name }) => name === 'shop')).toMatchObject({ enabled: false, status: 'disabled' });
    expect((await hive.client.listEvents({ since: seq, types: ['service.starting'] })).events).toEqual([]);
    expect((await restore()).outcome).toMatchObject({ done: [], failed: [] });
    // What was wanted of it came back, too.
    await hive.client.enableSource({ name: 'shop' });
    await wantsAndRuns('shop:worker');
    await restore();
    expect((await hive.client.listSources()).sources.find(({ name }) => name === 'shop')).toMatchObject({ enabled: false });
  });

  it('refuses a source that is another one by now, before anything is changed', async () => {
    await backedUp(async () => hive.addSource('shop', `version: "1"\nservices: {worker: ${sleeper}}\n`));
    await hive.client.removeSource({ name: 'shop' });
    const other = hive.writeSource('other', `version: "1"\nservices: {worker: ${sleeper}}\n`);
    await hive.client.addSource({ path: other, name: 'shop' });
    await expect(restore()).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/^Source shop is .*other.* now and was .*shop/) });
    await expect(restore({ id: '1999' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('restoring the settings of the plugin itself', () => {
  it('goes on to the end, whether it was enabled by hand then and by hive.yaml now, or the other way round', async () => {
    hive = await TestHive.started();
    const dir = folderFor(hive, 'backups');
    const byHand = async (): Promise<void> => {
      await hive.client.enablePlugin({ plugin });
      await configure(hive, { dir, enabled: undefined }, { web: sleeper });
    };
    const byFile = async (): Promise<void> => {
      await configure(hive, { dir }, { web: sleeper });
      await hive.client.importState({ plugins: [{ plugin, choice: 'default' }] });
    };
    await until(async () => ((await hive.client.listPlugins()).plugins.some(({ id }) => id === plugin) ? true : undefined), 'the plugin to be known');
    await byHand();
    const hand = await ask<{ id: string }>(hive, 'create');
    await byFile();
    const file = await ask<{ id: string }>(hive, 'create');
    const choice = async (): Promise<string | undefined> => (await hive.client.exportState()).plugins.find((one) => one.plugin === plugin)?.choice;
    for (const [{ id }, expected] of [[hand, 'enabled'], [file, 'default']] as const) {
      const { pid } = await hive.client.getPlugin({ plugin });
      expect((await restore({ id })).outcome).toMatchObject({ failed: [], done: expect.arrayContaining(['reload source default']) });
      expect(await choice()).toBe(expected);
      expect(await hive.client.getPlugin({ plugin })).toMatchObject({ state: 'ready', pid });
    }
  });
});

describe('restoring a default source of the other kind', () => {
  it('puts the file aside that is there, a database with what was written to it last', async () => {
    const { dir } = await backedUp();
    const first = hive;
    await first.shutdown();
    hive = await TestHive.started();
    try {
      // The default source becomes a database.
      const { SqliteFile } = await import('../../daemon/sources/sqlite-file.js');
      const database = new SqliteFile(join(hive.home, 'hive.db'));
      database.apply({ kind: 'put', service: 'other', config: JSON.stringify(job(998)), action: 'create' }, database.snapshot());
      database.close();
      await hive.client.reloadSource({ name: 'default' });
      await wantsAndRuns('default:other');
      await hive.client.enablePlugin({ plugin });
      const { outcome, steps } = await restore({ from: { location: dir } });
      expect(outcome?.failed).toEqual([]);
      expect(steps).toContain(`rename ${join(hive.home, 'hive.db')} (the default source has one file)`);
      await wantsAndRuns('default:web');
      const kept = outcome?.kept[0] ?? '';
      const aside = new SqliteFile(kept);
      expect(aside.service('other')).toMatchObject({ config: JSON.stringify(job(998)) });
      aside.close();
    } finally {
      await first.end();
    }
  });
});

describe('restoring one service', () => {
  it('changes it alone in a hive.yaml, and leaves comments and the others', async () => {
    const yaml = `version: "1"\nservices:\n  # does the work\n  worker: ${sleeper}\n  other: ${sleeper}\n`;
    await backedUp(async () => {
      await hive.addSource('shop', yaml);
      await hive.client.startSource({ name: 'shop' });
    });
    const file = join(hive.home, 'projects/shop/.adi/hive.yaml');
    writeFileSync(file, `# mine\nversion: "1"\nservices:\n  other: ${sleeper.replace('1000', '998')} # and this\n`);
    await hive.client.reloadSource({ name: 'shop' });
    const { outcome, steps } = await restore({ only: 'shop:worker' });
    expect(outcome?.failed).toEqual([]);
    expect(steps).toContain(`put shop:worker back into ${file}`);
    await wantsAndRuns('shop:worker');
    expect(readFileSync(file, 'utf8')).toContain('# mine');
    expect(readFileSync(file, 'utf8')).toMatch(/998.* # and this/);
    await expect(restore({ only: 'shop:nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND', next: expect.stringContaining('shop:worker') });
    // By its name alone where there is one of that name; the same again has nothing to do.
    expect(await restore({ only: 'worker' })).toMatchObject({ only: 'shop:worker', outcome: { done: [], failed: [] } });
    await expect(restore({ only: 'shop' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(restore({ only: '../x' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });

  it('of a database is a revision like any other, whether it was changed or deleted', async () => {
    const wanted = job(1_000, { environment: { static: { TOKEN: 'abc', MODE: 'x' } }, restart: 'always' });
    await backedUp(async () => {
      for (const name of ['one', 'two']) await hive.client.createService({ source: 'cocoons', name, config: wanted });
      await hive.client.startService({ fqn: 'cocoons:one' });
    });
    await hive.client.updateService({ fqn: 'cocoons:one', patch: { environment: { static: { TOKEN: 'def', MODE: null, MORE: 'y' } }, restart: 'never', instances: 2 } });
    await hive.client.deleteService({ fqn: 'cocoons:two' });
    for (const name of ['one', 'two']) expect((await restore({ only: `cocoons:${name}` })).outcome?.failed).toEqual([]);
    const configs = await Promise.all(['one', 'two'].map((name) => hive.client.getServiceConfig({ fqn: `cocoons:${name}` })));
    expect(configs.map(({ config }) => config)).toEqual([1, 2].map(() => ({ ...wanted, environment: { static: { TOKEN: '***', MODE: '***' } } })));
    expect((await hive.client.listRevisions({ fqn: 'cocoons:one' })).revisions.map(({ action }) => action)).toEqual(['update', 'update', 'create']);
    await wantsAndRuns('cocoons:one');
    expect(await hive.service('cocoons:two')).toMatchObject({ wanted: 'down' });
  });
});

describe('restoring into another home', () => {
  it('puts what was in the old home into the new one, and makes folders anew', async () => {
    const { dir } = await backedUp(async () => {
      await hive.client.createService({ source: 'cocoons', name: 'one', config: job(1_000) });
      await hive.addSource('shop', `version: "1"\nservices: {worker: ${sleeper}}\n`);
      await hive.client.startSource({ name: 'shop' });
    });
    const first = hive;
    await first.shutdown();
    hive = await TestHive.started();
    try {
      mkdirSync(join(hive.home, 'elsewhere'));
      await configure(hive, { dir: join(hive.home, 'elsewhere') });
      const { outcome, remarks } = await restore({ from: { location: dir } });
      expect(outcome?.failed).toEqual([]);
      expect(remarks).toEqual(expect.arrayContaining([`What was in ${first.home} goes to ${hive.home}.`, expect.stringContaining('the programs of source shop are not in a backup')]));
      await wantsAndRuns('default:web');
      await wantsAndRuns('shop:worker');
      expect((await hive.client.listSources()).sources.map(({ path }) => path)).toEqual([join(hive.home, 'hive.yaml'), join(hive.home, 'cocoons.db'), join(hive.home, 'projects/shop/.adi/hive.yaml')]);
      expect(readdirSync(hive.home)).toEqual(expect.arrayContaining([expect.stringMatching(/^hive\.yaml\.before-/)]));
    } finally {
      await first.end();
    }
  });
});
