import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { FolderDestination } from '../../plugins/backup/destination/folder-destination.js';
import { openDestination } from '../../plugins/backup/destination/open-destination.js';
import type { Vault } from '../../plugins/backup/place.js';
import { newSnapshotId } from '../../plugins/backup/snapshot/snapshot-id.js';
import { create } from '../../plugins/backup/worker/create.js';
import { fetchSnapshot } from '../../plugins/backup/worker/fetch.js';
import { list } from '../../plugins/backup/worker/list.js';
import { clearScratch } from '../../plugins/backup/worker/scratch.js';
import { verify } from '../../plugins/backup/worker/verify.js';
import { packageRoot } from '../../shared/package-root.js';
import { credentials, S3Server, serverName } from '../backup/s3-server.js';
import { sampleSources } from '../backup/sample.js';
import { seededRandom } from '../support/seeded-random.js';
import { canTrace } from '../support/can-trace.js';

/*
 * A backup counts once it was restored to scratch and compared; any flipped bit is detected; a kill at any step leaves no
 * half backup listed.
 */
let root: string;
let dataDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hive-p17-'));
  dataDir = join(root, 'data');
  mkdirSync(dataDir);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const quiet = (): void => undefined;
const keep = { last: 100, hourly: 0, daily: 0, weekly: 0 };
const folderVault = (): Vault => ({ place: { kind: 'folder', path: join(root, 'backups') }, key: null });

async function make(vault: Vault, at = new Date()): Promise<string> {
  const id = newSnapshotId(at);
  await create({ vault, id, reason: 'asked', exported: sampleSources(root), includeSecrets: true, keep, abandoned: [], dataDir }, quiet);
  return id;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** Whether a snapshot is found to be damaged. */
const isDamaged = async (vault: Vault, id: string): Promise<boolean> => verify({ vault, id, dataDir }, quiet).then(() => false, (error: { code?: string }) => error.code === 'BACKUP_DAMAGED' || Promise.reject(error as Error));

async function sealed(): Promise<Vault> {
  const path = join(root, 'backup.key');
  writeFileSync(path, await generateX25519Identity());
  return { ...folderVault(), key: { kind: 'file', path } };
}

describe.each([['without a key', async () => folderVault()], ['encrypted', sealed]])('a snapshot %s', (_name, vaultOf) => {
  it('gives back every file as it was', async () => {
    const vault = await vaultOf();
    const id = await make(vault);
    const folder = join(root, 'restored');
    mkdirSync(folder);
    const { manifest, state } = await fetchSnapshot({ vault, id, folder }, quiet);
    expect(state).toEqual(sampleSources(root, { isThere: true }).state);
    expect(readFileSync(join(folder, 'sources/shop/hive.yaml'))).toEqual(readFileSync(join(root, 'shop/.adi/hive.yaml')));
    expect(readFileSync(join(folder, 'sources/shop/dotenv-1'))).toEqual(readFileSync(join(root, 'shop/.env')));
    expect(manifest.files.find(({ role }) => role === 'dotenv')).toMatchObject({ source: 'shop', path: join(root, 'shop/.env') });
    const dump = (path: string): string => execFileSync(process.execPath, ['-e', `
      const db = new (require('better-sqlite3'))(process.argv[1], { readonly: true });
      console.log(JSON.stringify(['services', 'revisions', 'settings'].map((table) => db.prepare('SELECT * FROM ' + table).all())));
    `, path], { cwd: packageRoot(), encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
    expect(dump(join(folder, 'sources/jobs/hive.db'))).toBe(dump(join(root, 'jobs.db')));
    expect(dump(join(root, 'jobs.db'))).toContain('three');
  });

  it('is found out when any bit of it is flipped, in any file', async () => {
    const vault = await vaultOf();
    const id = await make(vault);
    const random = seededRandom(17);
    const files = filesBelow(join(root, 'backups', id));
    expect(files.length).toBeGreaterThanOrEqual(6);
    let flips = 0;
    for (const path of files) {
      const whole = readFileSync(path);
      const offsets = new Set([0, 1, whole.length >> 1, whole.length - 2, whole.length - 1]);
      while (offsets.size < Math.min(whole.length, 28)) offsets.add(Math.floor(random() * whole.length));
      for (const offset of offsets) {
        const spoiled = Buffer.from(whole);
        spoiled[offset] = (spoiled[offset] ?? 0) ^ (1 << Math.floor(random() * 8));
        writeFileSync(path, spoiled);
        expect({ path, offset, isDamaged: await isDamaged(vault, id) }).toEqual({ path, offset, isDamaged: true });
        flips += 1;
      }
      writeFileSync(path, whole);
    }
    expect(flips).toBeGreaterThan(150);
    expect(await isDamaged(vault, id)).toBe(false);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('is found out when a file is cut, grown, gone, or of another snapshot', async () => {
    const vault = await vaultOf();
    const [id, other] = [await make(vault), await make(vault)];
    for (const path of filesBelow(join(root, 'backups', id))) {
      const whole = readFileSync(path);
      const twin = readFileSync(path.replace(id, other));
      const spoilings = [whole.subarray(0, -1), Buffer.alloc(0), Buffer.concat([whole, Buffer.from('\n')]), ...(twin.equals(whole) ? [] : [twin])];
      for (const [index, spoiled] of spoilings.entries()) {
        writeFileSync(path, spoiled);
        expect({ path, index, isDamaged: await isDamaged(vault, id) }).toEqual({ path, index, isDamaged: true });
      }
      writeFileSync(path, whole);
      if (/manifest|verified/.test(path)) continue;
      renameSync(path, `${path}-elsewhere`);
      expect({ path, isDamaged: await isDamaged(vault, id) }).toEqual({ path, isDamaged: true });
      renameSync(`${path}-elsewhere`, path);
    }
    // Without its mark it counts as not verified; without its manifest it is none.
    rmSync(join(root, 'backups', id, 'verified'));
    expect((await list({ vault })).snapshots.find((one) => one.id === id)).toMatchObject({ verified: false, problem: null });
  });
});

describe('a snapshot encrypted with a passphrase', () => {
  it('is found out when a bit of the key in it is flipped', async () => {
    const vault: Vault = { ...folderVault(), key: { kind: 'passphrase', passphrase: 'correct horse battery staple' } };
    const id = await make(vault);
    const path = join(root, 'backups', id, 'key.age');
    const whole = readFileSync(path);
    // The salt, the work factor, and the key itself; each takes a second to find out.
    for (const offset of [34, whole.indexOf(' 18') + 2, whole.length - 1]) {
      const spoiled = Buffer.from(whole);
      spoiled[offset] = (spoiled[offset] ?? 0) ^ 2;
      writeFileSync(path, spoiled);
      expect({ offset, isDamaged: await isDamaged(vault, id) }).toEqual({ offset, isDamaged: true });
    }
    writeFileSync(path, whole);
    expect(await isDamaged(vault, id)).toBe(false);
  });
});

const program = join(packageRoot(), 'dist/test/backup/programs/makes-a-snapshot.js');

/** What is listed after a kill is whole; then another backup clears up what the killed one has left. */
async function expectOnlyWhole(vault: Vault, killed: string, before: string): Promise<'listed' | 'not listed'> {
  const { snapshots } = await list({ vault });
  const ids = snapshots.map(({ id }) => id);
  expect(ids).toContain(before);
  for (const { id, problem } of snapshots) {
    expect({ id, problem }).toEqual({ id, problem: null });
    expect({ id, isDamaged: await isDamaged(vault, id) }).toEqual({ id, isDamaged: false });
  }
  return ids.includes(killed) ? 'listed' : 'not listed';
}

describe('a backup that is killed', () => {
  it('at any system call that changes a folder leaves nothing that is half', async () => {
    if (!canTrace()) return console.log('skipped: strace is not installed, or may not trace here');
    const vault = folderVault();
    const before = await make(vault, new Date('2026-11-22T10:00:00Z'));
    const outcomes = { 'listed': 0, 'not listed': 0 };
    // strace counts each call by itself. Of those that come often, every second or third.
    for (const [call, stride] of [['fsync', 1], ['rename', 1], ['mkdir', 3], ['unlink', 4], ['rmdir', 5]] as const) {
      for (let at = 1, isKilled = true; isKilled; at += stride) {
        const id = newSnapshotId(new Date('2026-11-22T11:00:00Z'));
        const traced = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${at}`,
          process.execPath, program, root, JSON.stringify(vault), id, dataDir], { env: { ...process.env, NODE_OPTIONS: '', UV_THREADPOOL_SIZE: '1' }, stdio: 'ignore' });
        isKilled = ((await once(traced, 'exit')) as [number | null])[0] !== 0;
        if (isKilled) outcomes[await expectOnlyWhole(vault, id, before)] += 1;
        rmSync(join(root, 'backups', id), { recursive: true, force: true });
      }
    }
    expect(outcomes['not listed']).toBeGreaterThan(15);
    expect(outcomes.listed).toBeGreaterThan(5);
    // Whatever was left goes: an hour later by itself, at once where it is known to be one's own.
    await clearScratch(dataDir);
    expect(readdirSync(dataDir)).toEqual([]);
    await make(vault);
    const destination = new FolderDestination(join(root, 'backups'));
    expect((await destination.list()).leftovers).toEqual([]);
    expect(readdirSync(join(root, 'backups')).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe(`a backup to S3 (${serverName})`, () => {
  let s3: S3Server;
  beforeAll(async () => {
    Object.assign(process.env, credentials);
    s3 = await S3Server.start('backups');
  });
  afterAll(async () => {
    for (const name of Object.keys(credentials)) delete process.env[name];
    await s3.stop();
  });
  afterEach(() => {
    s3.onRequest = () => undefined;
    s3.spoil = (content) => content;
  });
  const vaultAt = (prefix: string): Vault => ({ place: { kind: 's3', bucket: 'backups', prefix, endpoint: s3.endpoint, region: null, pathStyle: true, serverSideEncryption: null, kmsKeyId: null }, key: null });

  it('that is killed before any request that changes something is passed on, or while it is answered, leaves nothing that is half', async () => {
    const vault = vaultAt('killed/');
    const before = await make(vault, new Date('2026-11-22T10:00:00Z'));
    const outcomes = { 'listed': 0, 'not listed': 0 };
    for (let at = 1, isKilled = true; isKilled; at += 1) for (const isBefore of [true, false]) {
      const id = newSnapshotId(new Date('2026-11-22T11:00:00Z'));
      const child: ChildProcess = spawn(process.execPath, [program, root, JSON.stringify(vault), id, dataDir], { env: { ...process.env, NODE_OPTIONS: '' }, stdio: 'ignore' });
      const exited = once(child, 'exit');
      let count = 0;
      s3.onRequest = async ({ method }) => {
        if (method === 'GET' || ++count !== at) return;
        child.kill('SIGKILL');
        if (isBefore) await exited;
      };
      const [code] = (await exited) as [number | null];
      isKilled = code !== 0;
      s3.onRequest = () => undefined;
      outcomes[await expectOnlyWhole(vault, id, before)] += 1;
      const destination = await openDestination(vault.place);
      await ((await destination.list()).snapshots.some((one) => one.id === id) ? destination.remove(id) : destination.clear(id));
      destination.close();
    }
    expect(outcomes['not listed']).toBeGreaterThanOrEqual(8);
    expect(outcomes.listed).toBeGreaterThanOrEqual(4);
  });

  it('does not count when what is read back is not what was written', async () => {
    const vault = vaultAt('lies/');
    const id = newSnapshotId(new Date());
    s3.spoil = (content, { path }) => {
      if (!path.includes('hive.yaml')) return content;
      const spoiled = Buffer.from(content);
      spoiled[10] = (spoiled[10] ?? 0) ^ 4;
      return spoiled;
    };
    const order = { vault, id, reason: 'asked', exported: sampleSources(root), includeSecrets: true, keep, abandoned: [], dataDir } as const;
    await expect(create(order, quiet)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED', message: expect.stringContaining(id) });
    expect((await list({ vault })).snapshots).toMatchObject([{ id, verified: false }]);
  });
});

describe('a snapshot of an earlier version', () => {
  const folder = join(packageRoot(), 'test/fixtures/backups/format-1');

  it('opens, and gives back what it holds', async () => {
    const vault: Vault = { place: { kind: 'folder', path: folder }, key: null };
    const { snapshots } = await list({ vault });
    expect(snapshots).toMatchObject([{ id: '20261122T193500Z-0f1e2d', verified: true, sources: ['default', 'shop', 'jobs'], problem: null }]);
    const restored = join(root, 'restored');
    mkdirSync(restored);
    const { manifest, state } = await fetchSnapshot({ vault, id: null, folder: restored }, quiet);
    expect(manifest).toMatchObject({ format: 1, hive: '0.1.0' });
    expect(state.intents).toEqual([{ name: 'shop:*', wanted: 'up' }]);
    expect(statSync(join(restored, 'sources/jobs/hive.db')).size).toBeGreaterThan(0);
  });

  it('of a newer one is refused with a sentence', async () => {
    const vault = folderVault();
    const id = await make(vault);
    const path = join(root, 'backups', id, 'manifest.json');
    const { manifest } = JSON.parse(readFileSync(path, 'utf8')) as { manifest: object };
    const { serialiseManifest } = await import('../../plugins/backup/snapshot/manifest.js');
    writeFileSync(path, serialiseManifest({ ...manifest, format: 99 } as never));
    await expect(verify({ vault, id, dataDir }, quiet)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED', message: `Snapshot ${id} cannot be used: its format is 99, and this Hive reads 1.` });
  });
});
