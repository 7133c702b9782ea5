import { randomBytes } from 'node:crypto';
import type Database from 'better-sqlite3';
import { HiveError } from '../../shared/errors/index.js';
import type { NewEvent } from '../../shared/protocol/events.js';
import { openStateDatabase } from './open-database.js';

/** What an event was numbered; filled in when the transaction that carries it runs. */
export interface EventRef {
  seq: number;
}

/** A cause that may still wait for its number. */
export type PendingCause = EventRef | { request: string; by: string } | undefined;

/** What a piece of work may do inside the group commit that carries it. */
export interface Transaction {
  readonly db: Database.Database;
  /** Numbers an event and writes it to the journal. The reference may serve as the cause of later events. */
  append(event: NewEvent, cause?: PendingCause): EventRef;
}

interface Entry {
  work: (tx: Transaction) => unknown;
  /** 'fact': something that happened; kept and tried again until it is written. 'wish': rejected when it cannot be written. */
  kind: 'fact' | 'wish';
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Times a second after which facts that could not be written are tried again, milliseconds. */
const retryMs = 1_000;

/**
 * The one door to state.db. Everything that is written in one turn of the event loop becomes one transaction and one
 * fsync (group commit); a promise resolves only when its work is on disk.
 *
 * Two kinds of writers: `commit` for what somebody asks for (fails whole with STORAGE_FAILED, nothing changed) and
 * `record` for what has happened (a crash cannot be refused: it is kept, in order, until it can be written).
 */
export class StateStore {
  readonly db: Database.Database;
  /** Random name of this journal; sequence numbers mean something only together with it. */
  readonly epoch: string;
  private head: number;
  private queue: Entry[] = [];
  private flushing: NodeJS.Immediate | null = null;
  private retry: NodeJS.Timeout | null = null;
  private readonly insertEvent: Database.Statement;
  private readonly committedListeners = new Set<(events: readonly CommittedEvent[]) => void>();
  private troubleListener: (error: Error | null) => void = () => {};
  private inTrouble = false;
  private patient = true;

  constructor(path: string) {
    this.db = openStateDatabase(path);
    this.db.prepare("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)").run(randomBytes(8).toString('hex'));
    this.epoch = this.db.prepare("SELECT value FROM meta WHERE key = 'epoch'").pluck().get() as string;
    // The head is kept apart from the rows: retention may have pruned the newest of them.
    this.head = Math.max(
      (this.db.prepare('SELECT max(seq) FROM events').pluck().get() as number | null) ?? 0,
      Number(this.db.prepare("SELECT value FROM meta WHERE key = 'head'").pluck().get() ?? 0),
    );
    this.insertEvent = this.db.prepare('INSERT INTO events (seq, time, type, service, body) VALUES (?, ?, ?, ?, ?)');
  }

  /** The number of the newest event that is on disk. */
  get seq(): number {
    return this.head;
  }

  /** Runs `work` in the next group commit. Rejects with what `work` threw, or with STORAGE_FAILED; then nothing changed. */
  commit<T>(work: (tx: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.enqueue({ kind: 'wish', work, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Runs `work` in the next group commit and keeps trying until it is written. Rejects only with what `work` itself threw. */
  record<T>(work: (tx: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.enqueue({ kind: 'fact', work, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Calls back with the events of each commit, in order, after they are on disk. Returns how to stop. */
  onCommitted(listener: (events: readonly CommittedEvent[]) => void): () => void {
    this.committedListeners.add(listener);
    return () => this.committedListeners.delete(listener);
  }

  /** Calls back with an error when facts cannot be written, and with null when they can again. */
  onTrouble(listener: (error: Error | null) => void): void {
    this.troubleListener = listener;
  }

  /** The process is about to end: facts that cannot be written are given up from now on, so that nothing waits for room on a disk. */
  giveUpWhatCannotBeWritten(): void {
    this.patient = false;
    this.flush();
  }

  /** Writes what is queued, now; used before the process ends. */
  flush(): void {
    if (this.flushing !== null) clearImmediate(this.flushing);
    if (this.retry !== null) clearTimeout(this.retry);
    this.flushing = this.retry = null;
    if (this.queue.length > 0) this.write();
  }

  close(): void {
    this.flush();
    this.flush();
    if (this.retry !== null) clearTimeout(this.retry);
    this.db.close();
  }

  private enqueue(entry: Entry): void {
    this.queue.push(entry);
    if (this.retry === null) this.flushing ??= setImmediate(() => { this.flushing = null; this.write(); });
    else if (entry.kind === 'wish') this.flush();
  }

  private write(): void {
    const batch = this.queue;
    this.queue = [];
    const outcomes: (() => void)[] = [];
    const events: CommittedEvent[] = [];
    const before = this.head;
    try {
      this.db.transaction(() => {
        for (const entry of batch) this.runOne(entry, events, outcomes);
      }).immediate();
    } catch (error) {
      this.head = before;
      this.refuse(batch, error);
      return;
    }
    this.setTrouble(null);
    for (const listener of this.committedListeners) listener(events);
    for (const settle of outcomes) settle();
  }

  private runOne(entry: Entry, events: CommittedEvent[], outcomes: (() => void)[]): void {
    const mark = events.length;
    const head = this.head;
    const transaction: Transaction = { db: this.db, append: (event, cause) => this.append(event, cause, events) };
    try {
      // Nested transactions of better-sqlite3 are savepoints: one refused entry leaves the others of its commit alone.
      const value = this.db.transaction(() => entry.work(transaction))();
      outcomes.push(() => entry.resolve(value));
    } catch (error) {
      if (isStorageError(error)) throw error;
      events.length = mark;
      this.head = head;
      outcomes.push(() => entry.reject(error));
    }
  }

  private append(event: NewEvent, cause: PendingCause, events: CommittedEvent[]): EventRef {
    const seq = this.head + 1;
    const time = Date.now();
    // A reference without a number is of an event that was given up.
    const known = cause === undefined ? event.cause : 'seq' in cause ? cause.seq || undefined : cause;
    const { type, cause: _own, ...fields } = event;
    const body = JSON.stringify({ epoch: this.epoch, seq, time: new Date(time).toISOString(), type, ...(known === undefined ? {} : { cause: known }), ...fields });
    const service = 'service' in event ? event.service : null;
    this.insertEvent.run(seq, time, type, service, body);
    this.head = seq;
    events.push({ seq, type, service, body });
    return { seq };
  }

  /** Nothing of the batch is on disk: wishes hear so, facts wait for better times in their old order. */
  private refuse(batch: Entry[], error: unknown): void {
    const failure = new HiveError('STORAGE_FAILED', `The change could not be written to state.db: ${(error as Error).message}.`, {
      next: 'Free disk space in the home folder (or mend its file system) and try again; services run on.',
      cause: error,
    });
    if (!this.patient) {
      this.setTrouble(failure);
      for (const entry of batch) if (entry.kind === 'fact') entry.resolve(undefined); else entry.reject(failure);
      return;
    }
    const facts = batch.filter((entry) => entry.kind === 'fact');
    this.queue = [...facts, ...this.queue];
    if (facts.length > 0) {
      this.setTrouble(failure);
      this.retry ??= setTimeout(() => { this.retry = null; if (this.queue.length > 0) this.write(); }, retryMs);
    }
    for (const entry of batch) if (entry.kind === 'wish') entry.reject(failure);
  }

  private setTrouble(error: Error | null): void {
    if ((error !== null) === this.inTrouble) return;
    this.inTrouble = error !== null;
    this.troubleListener(error);
  }
}

export interface CommittedEvent {
  seq: number;
  type: string;
  service: string | null;
  /** The whole event as JSON text. */
  body: string;
}

function isStorageError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^SQLITE_(FULL|IOERR|READONLY|CORRUPT|CANTOPEN|NOTADB|BUSY|PROTOCOL)/.test(code);
}
