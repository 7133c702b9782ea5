import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import type { Destination, Stored } from '../destination/destination.js';
import type { Openings } from '../sealing/open-sealing.js';
import { Unopened, type Opening } from '../sealing/seal.js';
import { keyFileName, manifestName, ManifestProblem, parseManifest, sha256, verifiedMarker, type BackedUpFile, type Manifest } from './manifest.js';
import type { Tell } from './progress.js';

/** A snapshot whose manifest was read, and what opens its files. */
export interface OpenedSnapshot {
  readonly manifest: Manifest;
  readonly opening: Opening;
  readonly suffix: '' | '.age';
  /** The digest of the manifest's file: what a marker of verification has to say. */
  readonly digest: string;
  readonly marker: 'none' | 'fits' | 'differs';
}

const safeName = /^(state\.json|sources\/[a-z][a-z0-9-]*\/(hive\.yaml|hive\.db|dotenv-\d+))$/;

/** @throws HiveError BACKUP_DAMAGED, INVALID_CONFIG (the key), and what the destination throws */
export async function openSnapshot(destination: Destination, { id, files }: Stored, openings: Openings): Promise<OpenedSnapshot> {
  return naming(id, async () => {
    const isEncrypted = files.has(`${manifestName}.age`);
    if (isEncrypted && files.has(manifestName)) throw new ManifestProblem('it has two manifests');
    const suffix = isEncrypted ? '.age' : '';
    const keyFile = files.has(keyFileName) ? await destination.get(id, keyFileName) : null;
    if (keyFile !== null && !isEncrypted) throw new ManifestProblem('it has a key and is not encrypted');
    const opening = await openings.for(isEncrypted, keyFile);
    const stored = await destination.get(id, `${manifestName}${suffix}`);
    const manifest = parseManifest(Buffer.from(await opening.open(stored)).toString('utf8'), id);
    if (manifest.encrypted !== isEncrypted) throw new ManifestProblem('it is not encrypted as its manifest says');
    const strange = manifest.files.find(({ name }) => !safeName.test(name));
    if (strange !== undefined) throw new ManifestProblem(`its manifest names a file ${JSON.stringify(strange.name)}`);
    const digest = sha256(stored);
    const mark = files.has(verifiedMarker) ? Buffer.from(await destination.get(id, verifiedMarker)).toString('latin1') : null;
    return { manifest, opening, suffix, digest, marker: mark === null ? 'none' : mark === `${digest}\n` ? 'fits' : 'differs' };
  });
}

/**
 * Restores the files of a snapshot into an empty folder, under their names in it, and compares each with what was backed
 * up: as it was read, and again as it then lies in the folder. Databases are checked by SQLite.
 *
 * @throws HiveError BACKUP_DAMAGED naming the file
 */
export async function restoreToFolder(destination: Destination, { manifest, opening, suffix }: OpenedSnapshot, folder: string, tell: Tell): Promise<void> {
  const of = manifest.files.length;
  for (const [done, file] of manifest.files.entries()) {
    tell({ step: `Checking ${file.name}`, done, of });
    await naming(manifest.id, async () => {
      const stored = await destination.get(manifest.id, `${file.name}${suffix}`).catch((error: unknown) => {
        if (error instanceof HiveError && error.code === 'NOT_FOUND') throw new ManifestProblem(`${file.name} is missing`);
        throw error;
      });
      if (stored.length !== file.storedSize || sha256(stored) !== file.storedSha256) throw new ManifestProblem(`${file.name} has changed since it was written`);
      const content = await opening.open(stored);
      if (content.length !== file.size || sha256(content) !== file.sha256) throw new ManifestProblem(`${file.name} is not what was backed up`);
      await writeAndCompare(join(folder, file.name), content, file);
    });
  }
}

async function writeAndCompare(path: string, content: Uint8Array, file: BackedUpFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, content, { mode: 0o600, flag: 'wx' });
  const written = await open(path, 'r');
  try {
    if (sha256(await written.readFile()) !== file.sha256) throw new ManifestProblem(`${file.name} is not what was backed up once it is restored`);
  } finally {
    await written.close();
  }
  if (file.name.endsWith('.db')) {
    const { checkDatabase } = await import('./databases.js');
    try {
      checkDatabase(path);
    } catch (error) {
      throw new ManifestProblem(`${file.name} is a database that cannot be used: ${(error as Error).message}`);
    }
  }
  await chmod(path, file.mode & 0o700);
}

/** Turns what is wrong inside a snapshot into an error that names it. */
async function naming<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ManifestProblem || error instanceof Unopened)) throw error;
    throw new HiveError('BACKUP_DAMAGED', `Snapshot ${id} cannot be used: ${error.message}.`, {
      next: error instanceof Unopened ? 'Give the key that it was made with; if this is it, use another snapshot (hivectl backup list).' : 'Use another snapshot: hivectl backup list shows which were verified.',
      data: { snapshot: id },
    });
  }
}
