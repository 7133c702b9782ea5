import type { Transaction } from '../state/state-store.js';
import type { SourceFile } from './detect-source.js';

/** What state.db remembers of a source across daemons. */
export interface SourceRow {
  readonly name: string;
  readonly kind: SourceFile['kind'];
  readonly path: string;
  readonly enabled: boolean;
  /** Counts the contents that went live. */
  readonly revision: number;
  /** The last content that could be loaded; see SourceReader. */
  readonly good: string | null;
}

type Db = Transaction['db'];

/** Every source, in the order in which they were registered. */
export function readRegistry(db: Db): SourceRow[] {
  const rows = db.prepare('SELECT name, kind, path, enabled, revision, good FROM sources ORDER BY rowid').all() as (Omit<SourceRow, 'enabled'> & { enabled: number })[];
  return rows.map((row) => ({ ...row, enabled: row.enabled === 1 }));
}

export function writeRegistry(db: Db, row: SourceRow): void {
  db.prepare(
    `INSERT INTO sources (name, kind, path, enabled, revision, good) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, path = excluded.path, enabled = excluded.enabled, revision = excluded.revision, good = excluded.good`,
  ).run(row.name, row.kind, row.path, row.enabled ? 1 : 0, row.revision, row.good);
}

export function removeFromRegistry(db: Db, name: string): void {
  db.prepare('DELETE FROM sources WHERE name = ?').run(name);
}
