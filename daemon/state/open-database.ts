import Database from 'better-sqlite3';
import { chmodSync, existsSync } from 'node:fs';
import { HiveError } from '../../shared/errors/index.js';
import { migrations } from './migrations.js';

export type { Database };

/**
 * Opens (or makes) state.db: WAL, synchronous=FULL, so that a committed transaction is on disk. Runs the migrations that
 * are missing, each in a transaction with the version it leads to.
 *
 * @throws HiveError STORAGE_FAILED when the file cannot be opened or is no database, naming the file and what to do.
 */
export function openStateDatabase(path: string): Database.Database {
  try {
    const fresh = !existsSync(path);
    const db = new Database(path);
    if (fresh) chmodSync(path, 0o600);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    migrate(db, path);
    return db;
  } catch (error) {
    if (error instanceof HiveError) throw error;
    throw new HiveError('STORAGE_FAILED', `The state in ${path} could not be opened: ${(error as Error).message}.`, {
      next: 'Free disk space or mend the permissions; if the file is damaged, move it away: services that run are adopted from run/ without it.',
      cause: error,
    });
  }
}

function migrate(db: Database.Database, path: string): void {
  const present = db.pragma('user_version', { simple: true }) as number;
  if (present > migrations.length) {
    throw new HiveError('STORAGE_FAILED', `${path} was written by a newer Hive (format ${present}, this one knows ${migrations.length}).`, {
      next: 'Install the newer Hive again, or move the file away to start with an empty state.',
    });
  }
  migrations.slice(present).forEach((sql, index) => {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${present + index + 1}`);
    })();
  });
}
