import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HiveError } from '../../shared/errors/index.js';
import { assertSocketPath } from '../../shared/rpc/index.js';

/** Entries that Hive follows by name; a symlink in their place could lead a write anywhere. */
const entries = [
  'hive.sock', 'hive.pid', 'hive.pid.new', 'hive.lock', 'hive.lock-journal', 'hived.log', 'state.db', 'state.db-wal', 'state.db-shm', 'cocoons.db',
  'run', 'logs', 'plugins', 'plugin-data',
];
const folders = ['run', 'logs', 'plugins', 'plugin-data'];

/**
 * Makes the home and its folders, mode 0700, or checks those that are there: owned by us, no symlink in place of what
 * Hive writes, closed to others.
 * @throws HiveError HOME_REFUSED naming the entry and the command that mends it; TOO_LARGE: its socket's path
 */
export function prepareHome(home: string): void {
  try {
    assertSocketPath(join(home, 'hive.sock'));
    makeOwnFolder(home);
    for (const entry of entries) checkEntry(join(home, entry));
    for (const folder of folders) makeOwnFolder(join(home, folder));
  } catch (error) {
    if (error instanceof HiveError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new HiveError('HOME_REFUSED', `The home ${home} cannot be used: ${message}.`, {
      next: code === 'ENOSPC' ? 'Free disk space, then start again.' : 'Make the folder usable for you, or choose another with HIVE_HOME.',
      cause: error,
    });
  }
}

function makeOwnFolder(path: string): void {
  // Looked at first: mkdir would take a symlink that leads to a folder for the folder.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { recursive: true, mode: 0o700 });
  checkOwnFolder(path);
}

function checkOwnFolder(path: string): void {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) {
    throw new HiveError('HOME_REFUSED', `${path} is a symlink; Hive does not follow it.`, { next: `Set HIVE_HOME to the folder it points to, or remove it: rm ${path}` });
  }
  if (!found.isDirectory()) throw new HiveError('HOME_REFUSED', `${path} is not a folder.`, { next: `Move it away: mv ${path} ${path}.old` });
  checkOwner(path, found.uid);
  if ((found.mode & 0o022) !== 0) {
    throw new HiveError('HOME_REFUSED', `${path} can be written by others (mode ${(found.mode & 0o777).toString(8)}), who may have planted something in it.`, {
      next: `Look at what is in it, then: chmod 700 ${path}`,
    });
  }
  // Others could only look so far: closing the door is enough.
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

function checkEntry(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isSymbolicLink()) {
    throw new HiveError('HOME_REFUSED', `${path} is a symlink; Hive would write wherever it points.`, { next: `Remove it: rm ${path}` });
  }
  if (path.endsWith('.sock') && !found.isSocket()) {
    throw new HiveError('HOME_REFUSED', `${path} is there and is not a socket.`, { next: `Move it away: mv ${path} ${path}.old` });
  }
  if (found.isFile()) checkOwner(path, found.uid);
}

function checkOwner(path: string, owner: number): void {
  const self = process.getuid?.() ?? -1;
  if (owner === self) return;
  throw new HiveError('HOME_REFUSED', `${path} belongs to user ${owner}, and this is user ${self}.`, { next: `Give it to you (chown ${self} ${path}) or choose another home with HIVE_HOME.` });
}
