import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDestination } from '../../plugins/backup/destination/open-destination.js';
import type { Destination } from '../../plugins/backup/destination/destination.js';
import type { KeySource, Place, Vault } from '../../plugins/backup/place.js';
import { newSnapshotId } from '../../plugins/backup/snapshot/snapshot-id.js';
import { create, type Created } from '../../plugins/backup/worker/create.js';
import { list } from '../../plugins/backup/worker/list.js';
import { verify } from '../../plugins/backup/worker/verify.js';
import { credentials, S3Server, serverName } from './s3-server.js';
import { planted, sampleSources } from './sample.js';

let s3: S3Server;
beforeAll(async () => {
  Object.assign(process.env, credentials);
  s3 = await S3Server.start('backups');
});
afterAll(async () => {
  for (const name of Object.keys(credentials)) delete process.env[name];
  await s3.stop();
});

let root: string;
let dataDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hive-snapshots-'));
  dataDir = join(root, 'data');
  mkdirSync(dataDir);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const quiet = (): void => undefined;
const keep = { last: 2, hourly: 0, daily: 0, weekly: 0 };
const passphrase: KeySource = { kind: 'passphrase', passphrase: 'correct horse battery staple' };
let prefixes = 0;
const s3Place = (): Place => ({ kind: 's3', bucket: 'backups', prefix: `p${++prefixes}/`, endpoint: s3.endpoint, region: null, pathStyle: true, serverSideEncryption: 'AES256', kmsKeyId: null });

async function make(vault: Vault, change: { includeSecrets?: boolean; abandoned?: string[]; at?: Date } = {}): Promise<Created> {
  const { at = new Date(), ...rest } = change;
  return create({ vault, id: newSnapshotId(at), reason: 'asked', exported: sampleSources(root), includeSecrets: true, keep, abandoned: [], dataDir, ...rest }, quiet);
}

describe.each([['a folder', (): Place => ({ kind: 'folder', path: join(root, 'backups') })], [`S3 (${serverName})`, s3Place]])('snapshots in %s', (_name, placeOf) => {
  let vault: Vault;
  let destination: Destination;
  beforeEach(async () => {
    vault = { place: placeOf(), key: null };
    destination = await openDestination(vault.place);
  });
  afterEach(() => destination.close());

  it('are listed, verified and named by the beginning of their ids', async () => {
    expect(await list({ vault })).toMatchObject({ snapshots: [] });
    const created = await make(vault);
    expect(created).toMatchObject({ files: 4, sources: 3, services: 4, encrypted: false, missing: [], removed: [] });
    const { snapshots } = await list({ vault });
    expect(snapshots).toMatchObject([{ id: created.id, verified: true, encrypted: false, reason: 'asked', sources: ['default', 'shop', 'jobs'], services: 4, problem: null }]);
    expect(await verify({ vault, id: created.id.slice(0, -2), dataDir }, quiet)).toMatchObject({ id: created.id, files: 4 });
    await expect(verify({ vault, id: '1999', dataDir }, quiet)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('go when retention lets them, and leftovers of a killed backup with them', async () => {
    const times = [60, 50, 40].map((minutes) => new Date(Date.now() - minutes * 60_000));
    const [first, second] = [await make(vault, { at: times[0] as Date }), await make(vault, { at: times[1] as Date })];
    const [mine, theirs, old] = [newSnapshotId(times[2] as Date), newSnapshotId(new Date()), newSnapshotId(new Date(Date.now() - 2 * 3_600_000))];
    for (const id of [mine, theirs, old]) await destination.put(id, 'state.json', Buffer.from('half'));
    expect((await list({ vault })).snapshots.map(({ id }) => id)).toEqual([second.id, first.id]);
    const third = await make(vault, { abandoned: [mine] });
    expect(third.removed).toEqual([first.id]);
    const listing = await destination.list();
    expect(listing.snapshots.map(({ id }) => id)).toEqual([second.id, third.id]);
    // What another daemon may be writing right now is left alone.
    expect(listing.leftovers).toEqual([theirs]);
  });

  it('encrypted with a key file open with it, and with one that holds it among others', async () => {
    const { generateX25519Identity } = await import('age-encryption');
    const [old, fresh, other] = [await generateX25519Identity(), await generateX25519Identity(), await generateX25519Identity()];
    const file = (name: string, ...identities: string[]): KeySource => {
      writeFileSync(join(root, name), `# made by age-keygen\n${identities.join('\n')}\n`);
      return { kind: 'file', path: join(root, name) };
    };
    const { id } = await make({ ...vault, key: file('old.key', old) });
    for (const [name] of (await destination.list()).snapshots[0]?.files ?? []) expect(Buffer.from(await destination.get(id, name)).toString('latin1')).not.toContain(planted);
    expect(await verify({ vault: { ...vault, key: file('both.key', fresh, old) }, id, dataDir }, quiet)).toMatchObject({ id, encrypted: true });
    await expect(verify({ vault: { ...vault, key: file('other.key', other) }, id, dataDir }, quiet)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
    await expect(verify({ vault: { ...vault, key: passphrase }, id, dataDir }, quiet)).rejects.toMatchObject({ message: expect.stringContaining('the key that was given is a passphrase') });
    await expect(make({ ...vault, key: { kind: 'file', path: join(root, 'nowhere.key') } })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it('are not made of secrets without a key, unless somebody says so', async () => {
    await expect(make(vault, { includeSecrets: false })).rejects.toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('shop: services.web.environment.static.TOKEN') });
    await expect(make(vault, { includeSecrets: false })).rejects.toMatchObject({ message: expect.not.stringContaining(planted) });
    expect(await destination.list()).toEqual({ snapshots: [], leftovers: [] });
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

describe('snapshots in S3', () => {
  it('ask for server-side encryption, and name what is wrong', async () => {
    const place = s3Place() as Place & { kind: 's3' };
    const before = s3.seen.length;
    await make({ place, key: null });
    const puts = s3.seen.slice(before).filter(({ method }) => method === 'PUT');
    expect(puts.length).toBeGreaterThan(4);
    for (const { headers } of puts) expect(headers['x-amz-server-side-encryption']).toBe('AES256');
    await expect(list({ vault: { place: { ...place, bucket: 'nobodys' }, key: null } })).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no bucket nobodys.' });
    await expect(list({ vault: { place: { ...place, endpoint: 'http://127.0.0.1:1' }, key: null } })).rejects.toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringContaining('http://127.0.0.1:1') });
  });
});

describe('snapshots in a folder', () => {
  it('encrypted with a passphrase show nothing, and open with it alone', async () => {
    // Not in S3, too: each look takes a second, and what is in the files is the same.
    const vault: Vault = { place: { kind: 'folder', path: join(root, 'backups') }, key: null };
    const destination = await openDestination(vault.place);
    const sealed: Vault = { ...vault, key: passphrase };
    const { id, encrypted } = await make(sealed, { includeSecrets: false });
    expect(encrypted).toBe(true);
    const [stored] = (await destination.list()).snapshots;
    const names = [...(stored?.files.keys() ?? [])].sort();
    expect(names).toEqual(['key.age', 'manifest.json.age', 'sources/jobs/hive.db.age', 'sources/shop/dotenv-1.age', 'sources/shop/hive.yaml.age', 'state.json.age', 'verified']);
    for (const name of names) {
      const content = Buffer.from(await destination.get(id, name)).toString('latin1');
      for (const word of [planted, 'correct horse', 'services', 'shop']) expect(content).not.toContain(word);
    }
    for (const key of [null, { kind: 'passphrase', passphrase: 'another passphrase' } as const]) {
      await expect(verify({ vault: { ...vault, key }, id, dataDir }, quiet)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
    }
    expect((await list({ vault })).snapshots).toMatchObject([{ id, verified: false, encrypted: true, problem: expect.stringContaining(id) }]);
    // The stretched key is kept, closed, and serves again: the next snapshot has the same.
    const again = await make(sealed, { includeSecrets: false });
    expect(await destination.get(again.id, 'key.age')).toEqual(await destination.get(id, 'key.age'));
  });

  it('say when a folder cannot be written', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(make({ place: { kind: 'folder', path: join(root, 'file', 'backups') }, key: null })).rejects.toMatchObject({ code: 'STORAGE_FAILED', next: expect.any(String) });
  });

  it('name a source that cannot be read, and hold the rest', async () => {
    const exported = sampleSources(root);
    writeFileSync(join(root, 'jobs.db'), 'this is no database, and has not been one for long');
    const vault: Vault = { place: { kind: 'folder', path: join(root, 'backups') }, key: null };
    const { missing, files } = await create({ vault, id: newSnapshotId(new Date()), reason: 'asked', exported, includeSecrets: true, keep, abandoned: [], dataDir }, quiet);
    expect(missing).toEqual([expect.stringMatching(/^The configuration of source jobs .* could not be read: /)]);
    expect(files).toBe(3);
  });
});
