import { chmodSync, existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Revision } from '../../shared/protocol/results.js';
import { defaultKeptRevisions, pruneDeletedServices, pruneRevisions } from './revision-history.js';

/** "Hive" in ASCII: what tells our files from other programs' databases. */
const applicationId = 0x48697665;
const formatVersion = 1;
/** Longer would hold up the whole daemon while somebody else writes. */
const lockWaitMs = 250;

/** Everything that a SQLite source says at one moment; the texts are JSON. */
export interface Snapshot {
  /** The newest revision, 0 in an empty file. */
  readonly revision: number;
  readonly services: ReadonlyMap<string, { readonly config: string; readonly revision: number }>;
  readonly settings: ReadonlyMap<string, string>;
}

export type Edit =
  | { readonly kind: 'put'; readonly service: string; readonly config: string; readonly action: 'create' | 'update' | 'rollback' }
  | { readonly kind: 'delete'; readonly service: string };

export type StoredRevision = Omit<Revision, 'config'> & { readonly config: string };

/** The file cannot be a source as it is: damaged, foreign, locked, gone. The message is a sentence. */
export class DatabaseUnusable extends Error {}

/** Somebody else has changed the file since the snapshot that an edit was based on. */
export class SnapshotOutdated extends Error {}

/**
 * The file of a SQLite source (docs/sources.md): WAL and synchronous=FULL, every edit one transaction that is on disk when
 * `apply` returns. Triggers write the revisions, so that an edit by another program has its revision too.
 */
export class SqliteFile {
  private readonly db: Database.Database;
  private readonly inode: bigint;
  private seenVersion: unknown;

  /** `keptRevisions`: of each service, after a change through this. @throws DatabaseUnusable */
  constructor(readonly path: string, private readonly keptRevisions: number = defaultKeptRevisions) {
    this.db = usable(path, () => openDatabase(path));
    this.inode = statSync(path, { bigint: true }).ino;
    this.seenVersion = this.dataVersion();
  }

  /** False once another file, or none, has this path. */
  isInPlace(): boolean {
    return statSync(this.path, { bigint: true, throwIfNoEntry: false })?.ino === this.inode;
  }

  /** True when another connection has written since the last snapshot. */
  changedElsewhere(): boolean {
    return usable(this.path, () => this.dataVersion() !== this.seenVersion);
  }

  /** @throws DatabaseUnusable */
  snapshot(): Snapshot {
    return usable(this.path, () =>
      this.db.transaction(() => {
        this.seenVersion = this.dataVersion();
        const services = this.db.prepare('SELECT name, config, revision FROM services ORDER BY name').all() as { name: string; config: string; revision: number }[];
        return { revision: this.head(), services: byName(services), settings: this.settings() };
      })(),
    );
  }

  /** What the services were when `revision` was the newest, with the settings given. @throws DatabaseUnusable */
  snapshotAt(revision: number, settings: ReadonlyMap<string, string>): Snapshot {
    const services = usable(this.path, () =>
      this.db
        .prepare(
          `SELECT r.service AS name, r.config, r.revision FROM revisions r
           JOIN (SELECT service, max(revision) AS newest FROM revisions WHERE revision <= ? GROUP BY service) n ON r.revision = n.newest
           WHERE r.action <> 'delete' ORDER BY r.service`,
        )
        .all(revision) as { name: string; config: string; revision: number }[],
    );
    return { revision, services: byName(services), settings };
  }

  /** Writes the edit and answers the number of its revision. @throws SnapshotOutdated, DatabaseUnusable */
  apply(edit: Edit, base: Snapshot): number {
    return usable(this.path, () =>
      this.db
        .transaction(() => {
          if (this.head() !== base.revision) throw new SnapshotOutdated();
          switch (edit.kind) {
            case 'delete':
              this.db.prepare('DELETE FROM services WHERE name = ?').run(edit.service);
              break;
            case 'put':
              this.db
                .prepare('INSERT INTO services (name, config) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET config = excluded.config')
                .run(edit.service, edit.config);
              this.db.prepare('UPDATE revisions SET action = ? WHERE revision = (SELECT max(revision) FROM revisions)').run(edit.action);
              break;
          }
          pruneRevisions(this.db, edit.service, this.keptRevisions);
          if (edit.kind === 'delete') pruneDeletedServices(this.db);
          return this.head();
        })
        .immediate(),
    );
  }

  /** One service as it is now; null: there is none of that name. @throws DatabaseUnusable */
  service(name: string): { readonly config: string; readonly revision: number } | null {
    const query = 'SELECT config, revision FROM services WHERE name = ?';
    return usable(this.path, () => (this.db.prepare(query).get(name) as { config: string; revision: number } | undefined) ?? null);
  }

  /** Newest first; empty when there never was such a service. */
  revisionsOf(service: string): StoredRevision[] {
    return usable(this.path, () =>
      this.db.prepare('SELECT revision, time, action, config FROM revisions WHERE service = ? ORDER BY revision DESC').all(service) as StoredRevision[],
    );
  }

  close(): void {
    this.db.close();
  }

  private head(): number {
    return this.db.prepare('SELECT coalesce(max(revision), 0) FROM revisions').pluck().get() as number;
  }

  private settings(): Map<string, string> {
    const rows = this.db.prepare('SELECT key, value FROM settings ORDER BY key').all() as { key: string; value: string }[];
    return new Map(rows.map(({ key, value }) => [key, value]));
  }

  private dataVersion(): unknown {
    return this.db.pragma('data_version', { simple: true });
  }
}

function openDatabase(path: string): Database.Database {
  const fresh = !existsSync(path);
  const db = new Database(path, { timeout: lockWaitMs });
  try {
    if (fresh) chmodSync(path, 0o600);
    // Looked at before anything is changed: a foreign database must stay as it is.
    const id = db.pragma('application_id', { simple: true });
    const tables = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").pluck().get() as number;
    if (id !== applicationId && tables > 0) {
      throw new DatabaseUnusable(`${path} is a database of another program, not a source of Hive; it was left as it is.`);
    }
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version > formatVersion) throw new DatabaseUnusable(`${path} was written by a newer Hive (format ${version}, this one knows ${formatVersion}).`);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    if (version === 0) {
      db.transaction(() => {
        db.exec(tablesSql);
        db.pragma(`application_id = ${applicationId}`);
        db.pragma(`user_version = ${formatVersion}`);
      }).immediate();
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

const now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
const numberIt = 'UPDATE services SET revision = (SELECT max(revision) FROM revisions) WHERE name = new.name;';

const tablesSql = `
  CREATE TABLE services (
    name     TEXT PRIMARY KEY,
    config   TEXT NOT NULL CHECK (json_valid(config)),
    revision INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    service  TEXT NOT NULL,
    time     TEXT NOT NULL,
    action   TEXT NOT NULL CHECK (action IN ('create', 'update', 'delete', 'rollback')),
    config   TEXT NOT NULL
  ) STRICT;
  CREATE INDEX revisions_by_service ON revisions (service, revision);
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL CHECK (json_valid(value))) STRICT;

  CREATE TRIGGER service_created AFTER INSERT ON services BEGIN
    INSERT INTO revisions (service, time, action, config) VALUES (new.name, ${now}, 'create', new.config);
    ${numberIt}
  END;
  CREATE TRIGGER service_updated AFTER UPDATE OF config ON services BEGIN
    INSERT INTO revisions (service, time, action, config) VALUES (new.name, ${now}, 'update', new.config);
    ${numberIt}
  END;
  CREATE TRIGGER service_deleted AFTER DELETE ON services BEGIN
    INSERT INTO revisions (service, time, action, config) VALUES (old.name, ${now}, 'delete', old.config);
  END;
  CREATE TRIGGER service_keeps_its_name BEFORE UPDATE OF name ON services WHEN new.name <> old.name BEGIN
    SELECT RAISE(ABORT, 'a service keeps its name: delete it and insert another');
  END;
`;

/** Passes on what `work` answers and turns what SQLite throws into a sentence. */
function usable<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DatabaseUnusable || error instanceof SnapshotOutdated) throw error;
    throw new DatabaseUnusable(sentence(path, error as Error & { code?: string }), { cause: error });
  }
}

function sentence(path: string, error: Error & { code?: string }): string {
  const code = error.code ?? '';
  if (code === 'SQLITE_NOTADB') return `${path} is not a SQLite database.`;
  if (code.startsWith('SQLITE_CORRUPT')) return `${path} is damaged (${error.message}).`;
  if (code.startsWith('SQLITE_BUSY')) return `${path} is locked by another program.`;
  if (code === 'SQLITE_FULL') return `${path} could not be written: the disk is full.`;
  if (/^SQLITE_(CANTOPEN|READONLY|PERM|IOERR)/.test(code)) return `${path} could not be opened or written: ${error.message}.`;
  return `${path} does not have the tables of a Hive source: ${error.message}.`;
}

function byName(rows: readonly { name: string; config: string; revision: number }[]): Map<string, { config: string; revision: number }> {
  return new Map(rows.map(({ name, config, revision }) => [name, { config, revision }]));
}
