import { setTimeout as delay } from 'node:timers/promises';
import { toHiveError, HiveError } from '../../shared/errors/hive-error.js';
import type { DaemonClient, LogLevel } from '../../shared/plugin/index.js';
import { describePlace, type Vault } from './place.js';
import type { HistoryFile } from './schedule/history-file.js';
import { nextBackup, type NextBackup } from './schedule/next-backup.js';
import { SerialQueue } from './serial-queue.js';
import type { Settings } from './settings.js';
import { exportFrom } from './snapshot/exported.js';
import type { BackupReason } from './snapshot/manifest.js';
import { newSnapshotId } from './snapshot/snapshot-id.js';
import type { Created } from './worker/create.js';
import type { ListedSnapshots } from './worker/list.js';
import { runJob, type JobOptions } from './worker/run-job.js';
import { clearScratch } from './worker/scratch.js';
import type { Verified } from './worker/verify.js';

export interface BackupsOptions {
  readonly daemon: DaemonClient;
  readonly dataDir: string;
  readonly history: HistoryFile;
  readonly log: (level: LogLevel, message: string) => void;
}

export interface Status {
  /** Null: no dir and no s3 is set. */
  readonly place: string | null;
  readonly encrypted: boolean;
  readonly running: boolean;
  readonly lastSnapshot: string | null;
  /** ISO 8601. */
  readonly lastSuccessAt: string | null;
  readonly lastFailureAt: string | null;
  readonly failures: number;
  readonly problem: string | null;
  readonly next: { readonly at: string; readonly reason: NextBackup['reason'] } | null;
}

/** How long a timer waits at most before it looks at the clock again: the clock may be set meanwhile. */
const longestWaitMs = 60_000;
/** How long a restore may go on when the plugin is to end; it is given five seconds. */
const letFinishMs = 4_000;
/** How long after a job, or the start, memory is tidied. */
const tidyAfterMs = 500;

/** Makes backups when they are due or asked for, one job at a time, and remembers how they went. */
export class Backups {
  readonly #queue = new SerialQueue();
  readonly #startedAt = Date.now();
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #tidying: NodeJS.Timeout | undefined;
  #running = 0;
  #creatingSince: number | null = null;
  #restoring: Promise<unknown> | null = null;

  constructor(private settings: Settings, private readonly options: BackupsOptions) {}

  /** Removes what a killed run has left, and begins to keep time. */
  async start(): Promise<void> {
    await clearScratch(this.options.dataDir);
    this.#tidyMemory();
    this.#plan();
  }

  use(settings: Settings): void {
    this.settings = settings;
    this.#plan();
  }

  /** A service crashed: a backup follows, once for many. Durable when it resolves. */
  async noteCrash(at: number): Promise<void> {
    const { history } = this.options;
    const { crashAt } = history.now;
    // One that waits for its backup is enough, unless that backup is being made and may not know of this one.
    const isKnown = crashAt !== null && (this.#creatingSince === null || crashAt > this.#creatingSince);
    if (!this.settings.onCrash || isKnown) return;
    await history.update({ crashAt: at });
    this.#plan();
  }

  status(): Status {
    const { now } = this.options.history;
    const next = this.#next();
    const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
    return {
      place: this.settings.place === null ? null : describePlace(this.settings.place),
      encrypted: this.settings.key !== null,
      running: this.#running > 0,
      lastSnapshot: now.lastSnapshot, lastSuccessAt: iso(now.lastSuccessAt), lastFailureAt: iso(now.lastFailureAt), failures: now.failures, problem: now.lastProblem,
      next: next === null ? null : { at: new Date(Math.max(next.at, Date.now())).toISOString(), reason: next.reason },
    };
  }

  create(reason: BackupReason, options: JobOptions = {}): Promise<Created> {
    return this.#alone(() => this.#create(reason, options));
  }

  async #create(reason: BackupReason, options: JobOptions): Promise<Created> {
    const { history, daemon, dataDir } = this.options;
    const began = Date.now();
    const id = newSnapshotId(new Date(began));
    const { writing } = history.now;
    this.#creatingSince = began;
    try {
      const vault = this.#vault();
      await history.update({ writing: id, ...(reason === 'crash' ? { lastCrashBackupAt: began } : {}) });
      const exported = await exportFrom(daemon);
      const { includeSecrets, keep } = this.settings;
      const created = await runJob('create', { vault, id, reason, exported, includeSecrets, keep, dataDir, abandoned: writing === null ? [] : [writing] }, this.#job(options));
      const { crashAt } = history.now;
      const isCovered = crashAt !== null && crashAt <= began;
      await history.update({ writing: null, lastSuccessAt: Date.now(), lastSnapshot: id, failures: 0, lastProblem: null, ...(isCovered ? { crashAt: null } : {}) });
      return created;
    } catch (thrown) {
      const { message, code } = toHiveError(thrown);
      // One that somebody called off has not failed.
      if (code !== 'CANCELLED') await history.update({ lastFailureAt: Date.now(), failures: history.now.failures + 1, lastProblem: message });
      throw thrown;
    } finally {
      this.#creatingSince = null;
      this.#plan();
    }
  }

  list(from: Vault | null, options: JobOptions = {}): Promise<ListedSnapshots> {
    return this.#alone(async () => runJob('list', { vault: from ?? this.#vault() }, this.#job(options)));
  }

  verify(from: Vault | null, id: string | null, options: JobOptions = {}): Promise<Verified> {
    return this.#alone(async () => runJob('verify', { vault: from ?? this.#vault(), id, dataDir: this.options.dataDir }, this.#job(options)));
  }

  /** Runs a restore while no other job does; `vault` is where to look when nothing else was named. */
  restore<T>(work: (parts: { vault: () => Vault; job: (options: JobOptions) => JobOptions }) => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      const restoring = work({ vault: () => this.#vault(), job: (options) => this.#job(options) });
      this.#restoring = restoring.catch(() => undefined);
      return restoring.finally(() => { this.#restoring = null; });
    });
  }

  /**
   * Ends what is under way; what it has written is cleared away by the next backup. A restore is let finish, if it can
   * within a few seconds.
   */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#restoring !== null) await Promise.race([this.#restoring, delay(letFinishMs, undefined, { ref: false })]);
    this.#ending.abort();
  }

  #vault(): Vault {
    const { place, key } = this.settings;
    if (place !== null) return { place, key };
    throw new HiveError('INVALID_CONFIG', 'Nothing says where backups are.', {
      next: 'Set plugins.backup.dir or plugins.backup.s3 in hive.yaml of the default source, or name a place: --from /folder or --from s3://bucket/prefix.',
    });
  }

  #job({ tell, signal }: JobOptions): JobOptions {
    const ending = this.#ending.signal;
    return { ...(tell === undefined ? {} : { tell }), signal: signal === undefined ? ending : AbortSignal.any([signal, ending]) };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      this.#running += 1;
      try {
        return await work();
      } finally {
        this.#running -= 1;
        this.#tidyMemory();
      }
    });
  }

  /** What a job has left would stay until the next one, an hour later. */
  #tidyMemory(): void {
    clearTimeout(this.#tidying);
    this.#tidying = setTimeout(() => void globalThis.gc?.(), tidyAfterMs).unref();
  }

  #next(): NextBackup | null {
    return this.settings.place === null ? null : nextBackup(this.options.history.now, this.settings, this.#startedAt);
  }

  #plan(): void {
    clearTimeout(this.#timer);
    const next = this.#next();
    if (next === null || this.#ending.signal.aborted) return;
    const waitMs = Math.max(0, next.at - Date.now());
    this.#timer = setTimeout(() => {
      if (waitMs > longestWaitMs) this.#plan();
      else void this.#alone(() => this.#createDue());
    }, Math.min(waitMs, longestWaitMs));
  }

  async #createDue(): Promise<void> {
    const { log } = this.options;
    const next = this.#next();
    // One that somebody asked for while this waited for its turn has made it needless.
    if (next === null || next.at > Date.now()) return this.#plan();
    const { reason } = next;
    try {
      const { id, files, bytes, removed, missing } = await this.#create(reason, {});
      log('info', `Snapshot ${id} (${reason}): ${files} files, ${bytes} bytes, verified; ${removed.length} older ones removed.`);
      for (const sentence of missing) log('warn', sentence);
    } catch (thrown) {
      if (this.#ending.signal.aborted) return;
      const { message, next } = toHiveError(thrown);
      log('error', `The backup failed: ${message}${next === undefined ? '' : ` ${next}`}`);
    }
  }
}
