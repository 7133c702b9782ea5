import Database from 'better-sqlite3';
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HiveError } from '../../shared/errors/index.js';

export interface HomeLock {
  release(): void;
}

/**
 * Elects the one daemon of a home: an exclusive lock of SQLite on `hive.lock`, which is a lock of the kernel's. It ends
 * with the process, however that ends, so that there is no stale lock to judge and nothing to race for. Of any number of
 * daemons that start at once exactly one gets it.
 * @throws HiveError HOME_LOCKED naming the owner's pid
 */
export function lockHome(home: string): HomeLock {
  const pidFile = join(home, 'hive.pid');
  const db = new Database(join(home, 'hive.lock'), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (!/^SQLITE_BUSY/.test((error as { code?: string }).code ?? '')) throw error;
    const pid = ownerPid(pidFile);
    throw new HiveError('HOME_LOCKED', `Another daemon${pid === null ? '' : ` (pid ${pid})`} owns ${home}.`, {
      next: 'Use it (`hivectl status`), stop it (`hivectl daemon stop`), or choose another home with HIVE_HOME.',
      data: { home, ...(pid === null ? {} : { pid }) },
    });
  }
  const temporary = `${pidFile}.new`;
  writeFileSync(temporary, `${process.pid}\n`, { mode: 0o600 });
  renameSync(temporary, pidFile);
  return {
    release: () => {
      unlinkSync(pidFile);
      db.close();
    },
  };
}

function ownerPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}
