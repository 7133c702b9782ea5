import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { manifestNames } from '../snapshot/manifest.js';
import { timeOfSnapshot } from '../snapshot/snapshot-id.js';
import type { Destination, Listing, Stored } from './destination.js';
import { syncFolder, writeDurably } from './durable-files.js';

const incoming = '.incoming-';
const leaving = '.leaving-';

/**
 * One folder a snapshot. It is written under another name, file by file with fsync, and gets its own by a rename when it is
 * whole; it is removed under another name, too.
 */
export class FolderDestination implements Destination {
  constructor(private readonly root: string) {}

  async put(id: string, name: string, content: Uint8Array): Promise<void> {
    await this.doing(async () => {
      const path = join(this.root, `${incoming}${id}`, name);
      await mkdir(this.root, { recursive: true, mode: 0o700 });
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeDurably(path, content);
    });
  }

  async complete(id: string, name: string, content: Uint8Array): Promise<void> {
    await this.put(id, name, content);
    await this.doing(async () => {
      const folder = join(this.root, `${incoming}${id}`);
      await syncFolders(folder);
      await rename(folder, join(this.root, id));
      await syncFolder(this.root);
    });
  }

  async mark(id: string, name: string, content: Uint8Array): Promise<void> {
    await this.doing(async () => {
      const folder = join(this.root, id);
      await rm(join(folder, `.${name}.new`), { force: true });
      await writeDurably(join(folder, `.${name}.new`), content);
      await rename(join(folder, `.${name}.new`), join(folder, name));
      await syncFolder(folder);
    });
  }

  async list(): Promise<Listing> {
    return this.doing(async () => {
      const entries = await readdir(this.root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const snapshots: Stored[] = [];
      const leftovers: string[] = [];
      for (const entry of entries.sort()) {
        const left = [incoming, leaving].find((prefix) => entry.startsWith(prefix));
        const id = left === undefined ? entry : entry.slice(left.length);
        if (timeOfSnapshot(id) === null) continue;
        if (left !== undefined) {
          leftovers.push(id);
          continue;
        }
        const files = await filesBelow(join(this.root, id));
        if (files.size > 0 && manifestNames.some((name) => files.has(name))) snapshots.push({ id, files });
        else leftovers.push(id);
      }
      return { snapshots, leftovers: [...new Set(leftovers)] };
    });
  }

  async get(id: string, name: string): Promise<Uint8Array> {
    return this.doing(async () => {
      const file = await open(join(this.root, id, name), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return await file.readFile();
      } finally {
        await file.close();
      }
    });
  }

  async remove(id: string): Promise<void> {
    await this.doing(async () => {
      await rename(join(this.root, id), join(this.root, `${leaving}${id}`));
      await syncFolder(this.root);
      await rm(join(this.root, `${leaving}${id}`), { recursive: true, force: true });
    });
  }

  async clear(id: string): Promise<void> {
    await this.doing(async () => {
      for (const prefix of [incoming, leaving]) await rm(join(this.root, `${prefix}${id}`), { recursive: true, force: true });
      const files = await filesBelow(join(this.root, id));
      // Without its manifest: somebody else has taken it away.
      if (!manifestNames.some((name) => files.has(name))) await rm(join(this.root, id), { recursive: true, force: true });
    });
  }

  close(): void {}

  private async doing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw sentence(this.root, error as NodeJS.ErrnoException);
    }
  }
}

async function filesBelow(folder: string): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), (await stat(path)).size);
  }
  return files;
}

/** A folder and those in it: their entries are on disk when it resolves. */
async function syncFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolder(join(entry.parentPath, entry.name));
  }
  await syncFolder(folder);
}

function sentence(root: string, error: NodeJS.ErrnoException): HiveError {
  switch (error.code) {
    case 'ENOENT': return new HiveError('NOT_FOUND', `${error.path ?? root} does not exist.`, { next: 'hivectl backup list shows the snapshots that there are.', cause: error });
    case 'ENOSPC': case 'EDQUOT': return new HiveError('STORAGE_FAILED', `There is no room left in ${root} for a backup.`, { next: 'Free space there, or keep fewer snapshots (plugins.backup.keep).', cause: error });
    case 'EACCES': case 'EPERM': case 'EROFS': return new HiveError('STORAGE_FAILED', `${error.path ?? root} may not be read or written (${error.code}).`, { next: 'Give the user that Hive runs as the right to, or choose another folder.', cause: error });
    default: return new HiveError('STORAGE_FAILED', `The folder ${root} cannot be used: ${error.message}.`, { next: 'Mend it, or choose another folder.', cause: error });
  }
}
