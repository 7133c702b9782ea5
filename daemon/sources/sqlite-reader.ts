import { existsSync } from 'node:fs';
import type { LoadOptions } from '../../shared/config/load-source.js';
import type { Problem } from '../../shared/config/problem.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import type { SourceFile } from './detect-source.js';
import { loadSnapshot, type LoadedSnapshot } from './load-snapshot.js';
import { keptRevisions } from './revision-history.js';
import { fileProblem, type GoodReading, type Reading, type SourceReader } from './source-reader.js';
import { DatabaseUnusable, SqliteFile, type Edit, type Snapshot, type StoredRevision } from './sqlite-file.js';

/** What a reading's `content` says, as JSON: the services are in the file's own history. */
interface SqliteContent {
  readonly revision: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** What an edit would make of the source; `write` makes it so. */
export interface Draft {
  readonly spec: SourceSpec;
  /** On disk when it returns. Throws SnapshotOutdated when somebody else was faster, DatabaseUnusable when it cannot. */
  write(): GoodReading;
}

/** Reads a SQLite source, and is the one place that changes it. */
export class SqliteReader implements SourceReader {
  private database: SqliteFile | null = null;
  private loaded: LoadedSnapshot | null = null;
  /** What the file says, as long as nobody else writes to it. */
  private current: Snapshot | null = null;

  /** `mayCreate`: a file that is not there yet is made by the first reading. */
  constructor(
    readonly file: SourceFile,
    private readonly options: LoadOptions,
    private mayCreate: boolean,
  ) {}

  async read(): Promise<Reading> {
    try {
      this.current = this.open().snapshot();
      return this.load(this.current);
    } catch (error) {
      return this.refuse(error);
    }
  }

  async recall(content: string): Promise<Reading> {
    try {
      const { revision, settings = {} } = JSON.parse(content) as Partial<SqliteContent>;
      if (revision === undefined) throw new DatabaseUnusable('What was stored of this source is not of a SQLite source.');
      return this.load(this.open().snapshotAt(revision, new Map(Object.entries(settings))));
    } catch (error) {
      return this.refuse(error);
    }
  }

  /** The present configuration and revision of a service, as JSON text. @throws DatabaseUnusable */
  present(service: string): { readonly config: string; readonly revision: number } | null {
    return this.open().service(service);
  }

  /** Newest first. @throws DatabaseUnusable */
  revisionsOf(service: string): StoredRevision[] {
    return this.open().revisionsOf(service);
  }

  /** Works out what the source would be with this edit. @throws DatabaseUnusable */
  draft(edit: Edit): { readonly ok: true; readonly draft: Draft } | { readonly ok: false; readonly problems: readonly Problem[] } {
    const database = this.open();
    const base = this.current !== null && !database.changedElsewhere() ? this.current : database.snapshot();
    // What somebody else has written meanwhile counts first, so that only the edit itself is left to load.
    const before = loadSnapshot(base, this.loaded, this.file.path, this.options);
    if (before.ok) this.loaded = before.loaded;
    const services = new Map(base.services);
    if (edit.kind === 'delete') services.delete(edit.service);
    else services.set(edit.service, { config: edit.config, revision: base.revision + 1 });
    const result = loadSnapshot({ ...base, services }, this.loaded, this.file.path, this.options);
    if (!result.ok) return result;
    const write = (): GoodReading => {
      this.current = null;
      const revision = database.apply(edit, base);
      if (edit.kind === 'put') services.set(edit.service, { config: edit.config, revision });
      this.current = { ...base, revision, services };
      this.loaded = { spec: result.loaded.spec, snapshot: this.current };
      return reading(this.loaded);
    };
    return { ok: true, draft: { spec: result.loaded.spec, write } };
  }

  watchedFiles(): readonly string[] {
    return [this.file.path];
  }

  changedElsewhere(): boolean {
    try {
      return this.database !== null && (!this.database.isInPlace() || this.database.changedElsewhere());
    } catch {
      return true;
    }
  }

  looksCutOff(): boolean {
    return false;
  }

  configOf(content: string, service: string): { config: unknown; revision: number } | null {
    const { revision } = JSON.parse(content) as SqliteContent;
    // What was loaded last may be another revision: an older one that was recalled, or a newer one that is not live.
    const snapshot = this.loaded?.snapshot.revision === revision ? this.loaded.snapshot : this.open().snapshotAt(revision, new Map());
    const found = snapshot.services.get(service);
    return found === undefined ? null : { config: JSON.parse(found.config) as unknown, revision: found.revision };
  }

  textOf(): null {
    return null;
  }

  problemAt(_content: string, path: readonly (string | number)[], message: string): Problem {
    const [, service] = path[0] === 'services' ? path : [];
    const file = service === undefined ? this.file.path : `${this.options.source}:${service}`;
    return { file, line: 1, column: 1, message, path: path.join('.'), code: 'CONFLICT' };
  }

  close(): void {
    this.database?.close();
    this.database = null;
    this.loaded = null;
    this.current = null;
  }

  private open(): SqliteFile {
    if (this.database !== null && !this.database.isInPlace()) this.close();
    if (this.database !== null) return this.database;
    if (!this.mayCreate && !existsSync(this.file.path)) throw new DatabaseUnusable(`${this.file.path} is gone.`);
    this.database = new SqliteFile(this.file.path, keptRevisions(this.options.env['HIVE_KEPT_REVISIONS']));
    this.mayCreate = false;
    return this.database;
  }

  private load(snapshot: Snapshot): Reading {
    const result = loadSnapshot(snapshot, this.loaded, this.file.path, this.options);
    if (!result.ok) return result;
    this.loaded = result.loaded;
    return reading(result.loaded);
  }

  private refuse(error: unknown): Reading {
    if (!(error instanceof DatabaseUnusable)) throw error;
    // A handle on a damaged file keeps what it has cached; the next reading starts from the file as it then is.
    this.database?.close();
    this.database = null;
    this.current = null;
    return { ok: false, problems: [fileProblem(this.file.path, error.message)] };
  }
}

function reading({ spec, snapshot }: LoadedSnapshot): GoodReading {
  const content: SqliteContent = { revision: snapshot.revision, settings: Object.fromEntries(snapshot.settings) };
  return { ok: true, spec, content: JSON.stringify(content), revision: snapshot.revision };
}
