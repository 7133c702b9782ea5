import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HiveError } from '../../shared/errors/index.js';

/** Entries that Hive follows by name; a symlink in their place could lead a write anywhere. */
const entries = ['hive.sock', 'hive.pid', 'hive.lock', 'hived.log', 'state.db', 'state.db-wal', 'state.db-shm', 'run', 'logs', 'plugins', 'plugin-data'];
const folders = ['run', 'logs', 'plugins', 'plugin-data'];

/**
 * Makes the home and its folders, mode 0700, or checks those that are there: owned by us, no symlink in place of what
 * Hive writes, closed to others.
 * @throws HiveError HOME_REFUSED naming the entry and the command that mends it
 */
export function prepareHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    checkOwnFolder(home);
    for (const entry of entries) refuseSymlink(join(home, entry));
    for (const folder of folders) {
      mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
      checkOwnFolder(join(home, folder));
    }
  } catch (error) {
    if (error instanceof HiveError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new HiveError('HOME_REFUSED', `The home ${home} cannot be used: ${message}.`, {
      next: code === 'ENOSPC' ? 'Free disk space, then start again.' : 'Make the folder usable for you, or choose another with HIVE_HOME.',
      cause: error,
    });
  }
}

function checkOwnFolder(path: string): void {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) {
    throw new HiveError('HOME_REFUSED', `${path} is a symlink; Hive does not follow it.`, { next: `Set HIVE_HOME to the folder it points to, or remove it: rm ${path}` });
  }
  if (!found.isDirectory()) throw new HiveError('HOME_REFUSED', `${path} is not a folder.`, { next: `Move it away: mv ${path} ${path}.old` });
  const self = process.getuid?.() ?? -1;
  if (found.uid !== self) {
    throw new HiveError('HOME_REFUSED', `${path} belongs to user ${found.uid}, and this is user ${self}.`, { next: `Give it to you (chown ${self} ${path}) or choose another home with HIVE_HOME.` });
  }
  if ((found.mode & 0o022) !== 0) {
    throw new HiveError('HOME_REFUSED', `${path} can be written by others (mode ${(found.mode & 0o777).toString(8)}), who may have planted something in it.`, {
      next: `Look at what is in it, then: chmod 700 ${path}`,
    });
  }
  // Others could only look so far: closing the door is enough.
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

function refuseSymlink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    throw new HiveError('HOME_REFUSED', `${path} is a symlink; Hive would write wherever it points.`, { next: `Remove it: rm ${path}` });
  }
}
