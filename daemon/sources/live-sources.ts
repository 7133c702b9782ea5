import type { Logger } from 'pino';
import type { Problem } from '../../shared/config/problem.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { Change } from '../../shared/protocol/results.js';
import type { EventRef, PendingCause, StateStore, Transaction } from '../state/state-store.js';
import { findConflicts } from './conflicts.js';
import { planChanges, sourceItselfChanged } from './plan-changes.js';
import { conflictRefusal, type Refusal } from './refusal.js';
import type { RegisteredSource } from './registered-source.js';
import { writeRegistry, type SourceRow } from './registry.js';
import { checkSourceName } from './source-name.js';
import type { GoodReading, Reading } from './source-reader.js';
import type { SupervisorPort } from './supervisor-port.js';

/** Writes the events of a publication and answers the one that caused what follows. */
export type WriteEvents = (tx: Transaction, changes: readonly Change[], revision: number) => EventRef | null;

/** What a reading would change, or why it cannot go live. */
export type Plan = { readonly ok: true; readonly reading: GoodReading; readonly changes: Change[] } | { readonly ok: false; readonly refusal: Refusal };

export type PublishOptions = {
  readonly cause: PendingCause;
  readonly events: WriteEvents;
  /** The service that the supervisor was already told to drop. */
  readonly dropped?: string;
  /** What else changes in the registry. */
  readonly row?: Partial<SourceRow>;
  /** `elsewhere`: the source's own file holds the change already, so that a full state.db delays its event and refuses nothing. */
  readonly durable?: 'elsewhere';
};

/**
 * All sources and the one door through which a reading goes live: conflicts are looked for, then state.db is written, then
 * memory changes, then the supervisor hears of it.
 */
export class LiveSources {
  private readonly sources = new Map<string, RegisteredSource>();

  constructor(
    private readonly store: StateStore,
    private readonly supervisor: SupervisorPort,
    private readonly log: Logger,
    /** Told after what sources say has changed. */
    private readonly onLive: () => void = () => {},
  ) {}

  add(source: RegisteredSource): void {
    this.sources.set(source.name, source);
  }

  delete(name: string): void {
    this.sources.delete(name);
  }

  has(name: string): boolean {
    return this.sources.has(name);
  }

  find(name: string): RegisteredSource | null {
    const source = this.sources.get(name);
    return source?.phase === 'registered' ? source : null;
  }

  /** @throws HiveError NOT_FOUND, INVALID_PARAMS when no source can have that name */
  get(name: string): RegisteredSource {
    const source = this.find(name);
    if (source !== null) return source;
    checkSourceName(name);
    throw new HiveError('NOT_FOUND', `There is no source ${JSON.stringify(name)}.`, { next: 'See hivectl source list; add one with hivectl source add <path>.', data: { source: name } });
  }

  byPath(path: string): RegisteredSource | null {
    return this.all().find((source) => source.row.path === path) ?? null;
  }

  all(): RegisteredSource[] {
    return [...this.sources.values()].filter(({ phase }) => phase === 'registered');
  }

  /** What going live would change; finds conflicts with everything that is live or about to be. */
  plan(source: RegisteredSource, reading: Reading): Plan {
    if (!reading.ok) return { ok: false, refusal: { kind: 'invalid', problems: reading.problems } };
    const conflicts = this.conflictsOf(source, reading.spec);
    if (conflicts.length > 0) return { ok: false, refusal: conflictRefusal(source, reading.content, conflicts) };
    return { ok: true, reading, changes: planChanges(source.spec, reading.spec) };
  }

  conflictsOf(source: RegisteredSource, spec: SourceSpec): ReturnType<typeof findConflicts> {
    return findConflicts(spec, this.claimants(source));
  }

  /** Makes a planned reading the live one. @throws HiveError STORAGE_FAILED; then nothing changed. */
  async publish(source: RegisteredSource, { reading, changes }: Plan & { ok: true }, options: PublishOptions): Promise<void> {
    const before = source.row;
    const differs = reading.content !== source.content;
    const revision = reading.revision ?? (differs ? before.revision + 1 : before.revision);
    const row: SourceRow = { ...before, ...options.row, good: reading.content, revision };
    const write = (tx: Transaction) => {
      writeRegistry(tx.db, row);
      return options.events(tx, changes, revision);
    };
    source.pending = reading.spec;
    const stored = options.durable === 'elsewhere' ? this.tell(write) : this.store.commit(write);
    const cause = await stored.finally(() => { source.pending = null; });
    const itself = sourceItselfChanged(source.spec, reading.spec);
    source.row = row;
    this.recall(source, reading);
    source.problems = [];
    if (!row.enabled) return;
    if (!source.announced) this.announce(source, cause ?? options.cause);
    else {
      const told = changes.filter(({ service }) => service !== options.dropped);
      if (told.length > 0 || itself) this.supervisor.applySource(reading.spec, told, cause ?? options.cause);
    }
    this.onLive();
  }

  /** Tells the supervisor of a source that it does not know. */
  announce(source: RegisteredSource, cause: PendingCause): void {
    if (source.spec === null) return;
    source.announced = true;
    this.supervisor.applySource(source.spec, planChanges(null, source.spec), cause);
  }

  /** Shows what is wrong with a source, or that nothing is any more; a picture that is shown already is no news. */
  async setProblems(source: RegisteredSource, problems: readonly Problem[], cause: PendingCause): Promise<void> {
    if (JSON.stringify(source.problems) === JSON.stringify(problems)) return;
    source.problems = problems;
    const [first] = problems;
    const { name } = source;
    if (first === undefined) {
      await this.tell((tx) => tx.append({ type: 'source.changed', source: name, revision: source.row.revision, changes: [] }, cause));
      return;
    }
    this.log.warn({ source: name, problems: problems.length, first: first.message }, 'source has problems');
    const where = `${first.file}:${first.line}:${first.column}: ${first.message}`;
    await this.tell((tx) => tx.append({ type: 'source.error', source: name, problems: problems.length, first: where }, cause));
  }

  /** Sets what is live without writing anything: what is on disk already, or needs not be. */
  recall(source: RegisteredSource, reading: GoodReading): void {
    source.spec = reading.spec;
    source.content = reading.content;
  }

  /** Everything whose ports, routes and names are taken, but for `source` itself. */
  private *claimants(source: RegisteredSource): Generator<SourceSpec> {
    for (const other of this.sources.values()) {
      if (other === source || other.phase === 'removed') continue;
      if (other.row.enabled && other.spec !== null) yield other.spec;
      if (other.pending !== null) yield other.pending;
    }
  }

  /** Writes what has happened: now where state.db takes it, else as soon as it does, without waiting for that. */
  private async tell<T>(write: (tx: Transaction) => T): Promise<T | null> {
    try {
      return await this.store.commit(write);
    } catch (error) {
      if (!(error instanceof HiveError && error.code === 'STORAGE_FAILED')) throw error;
      this.store.record(write).catch((failure: unknown) => this.log.error({ error: failure }, 'an event of a source could not be written'));
      return null;
    }
  }
}
