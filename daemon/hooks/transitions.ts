import { toHiveError } from '../../shared/errors/index.js';
import type { PendingCause, StateStore } from '../state/state-store.js';
import { bootId } from '../supervisor/monotonic-clock.js';
import type { HookCounts, HookEvent } from './hook-steps.js';
import type { StepOutcome } from './run-step.js';
import { decideMove, isOvertaken, type Transition, type TransitionFacts } from './transition.js';
import { TransitionRecords } from './transition-records.js';

/** What goes up and down: a service, or a source as a whole. */
export interface Subject {
  /** A service's full name, or `source:*`. */
  readonly key: string;
  counts(): HookCounts;
  /** Null: not known now, so that nothing is decided. */
  facts(): TransitionFacts | null;
  run(hook: HookEvent, step: number, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome>;
  /** Its instances may be launched. */
  openGate(cause: PendingCause): void;
  /** Everything of it is to stop; what is still wanted up waits at the gate afterwards. */
  bringDown(why: string, cause: PendingCause): void;
  /** It is down, and wanted up again. */
  comeUp(why: string, cause: PendingCause): void;
  /** A hook that has to succeed has failed: what is coming up fails with it. */
  giveUp(hook: HookEvent, step: number, reason: string, cause: PendingCause): void;
  /** A hook prevents a stop. False: nothing may prevent this one. */
  keepUp(hook: HookEvent, step: number, reason: string): boolean;
  /** The transition is over. */
  rested(cause: PendingCause): void;
  /** What is shown of it has changed. */
  shown(): void;
}

interface Active {
  readonly subject: Subject;
  transition: Transition;
  why: string;
  cause: PendingCause;
  /** Where it is, is being written down. */
  busy: boolean;
  running: AbortController | null;
}

/**
 * Drives transitions: looks at the facts, does at most one thing, and looks again when it is done or something has
 * changed. Where a transition is, is on disk before anything follows from it, so that the next daemon goes on there: the
 * step that was running is run again, those before it are not.
 */
export class Transitions {
  private readonly active = new Map<string, Active>();
  private readonly up = new Map<string, boolean>();
  /** Steps of one subject run one after the other, also those of its rollouts, and one that was called off ends first. */
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly records: TransitionRecords;
  private closed = false;

  constructor(private readonly store: StateStore, private readonly warn: (sentence: string) => void) {
    this.records = new TransitionRecords(store.db);
  }

  get(key: string): Transition | undefined {
    return this.active.get(key)?.transition;
  }

  /** Whether it is up when it is at rest; undefined: this daemon has not seen it go up or down. */
  isUp(key: string): boolean | undefined {
    return this.up.get(key);
  }

  setUp(key: string, up: boolean): void {
    this.up.set(key, up);
  }

  /** Where an earlier daemon left it. */
  takeLeft(key: string): Transition | null {
    return this.records.take(key, bootId());
  }

  /** Begins a transition, in place of one that is under way. */
  begin(subject: Subject, transition: Transition, why: string, cause: PendingCause): void {
    if (this.closed) return;
    this.active.get(subject.key)?.running?.abort();
    const active: Active = { subject, transition, why, cause, busy: false, running: null };
    this.active.set(subject.key, active);
    void this.enter(active, transition);
  }

  /** What it was asked for has changed while it is under way. */
  renew(key: string, why: string, cause: PendingCause): void {
    const active = this.active.get(key);
    if (active === undefined) return;
    active.why = why;
    active.cause = cause;
    this.look(key);
  }

  /** Ends a transition where it is, because what it belongs to has ended otherwise. */
  abandon(key: string): void {
    const active = this.active.get(key);
    if (active === undefined) return;
    active.running?.abort();
    this.active.delete(key);
    void this.store.record(() => this.records.delete(key));
  }

  forget(key: string): void {
    this.abandon(key);
    this.up.delete(key);
    void this.store.record(() => this.records.delete(key));
  }

  /** Does the next thing, if there is one to do now. */
  look(key: string): void {
    const active = this.active.get(key);
    if (active === undefined || this.closed) return;
    const facts = active.subject.facts();
    if (facts === null) return;
    if (active.running !== null && isOvertaken(active.transition, facts)) active.running.abort();
    if (active.running !== null || active.busy) return;
    const move = decideMove(active.transition, active.subject.counts(), facts);
    switch (move.do) {
      case 'wait':
        return;
      case 'run':
        return void this.run(active, move.hook, move.step);
      case 'enter':
        return void this.enter(active, move.transition);
      case 'rest':
        return void this.rest(active, move.up);
    }
  }

  /** Runs work of a subject once nothing else of it runs. */
  inTurn<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (this.turns.get(key) ?? Promise.resolve()).then(work, work);
    this.turns.set(key, turn);
    const done = (): void => {
      if (this.turns.get(key) === turn) this.turns.delete(key);
    };
    turn.then(done, done);
    return turn;
  }

  /** The daemon ends: hooks that run are stopped, and the next daemon runs them again. Resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { running } of this.active.values()) running?.abort();
    await Promise.allSettled(this.turns.values());
  }

  private async enter(active: Active, transition: Transition): Promise<void> {
    const { subject } = active;
    const isAfterStop = active.transition.phase === 'going-down' || active.transition.phase === 'post-down';
    active.transition = transition;
    active.busy = true;
    subject.shown();
    await this.store.record(() => this.records.save(subject.key, { boot: bootId(), transition }));
    if (!this.isCurrent(active)) return;
    active.busy = false;
    if (transition.phase === 'coming-up') subject.openGate(active.cause);
    else if (transition.phase === 'going-down') subject.bringDown(active.why, active.cause);
    else if (transition.phase === 'pre-up' && isAfterStop) subject.comeUp(active.why, active.cause);
    this.look(subject.key);
  }

  private async rest(active: Active, up: boolean): Promise<void> {
    const { subject } = active;
    active.busy = true;
    await this.store.record(() => { if (this.isCurrent(active)) this.records.delete(subject.key); });
    if (!this.isCurrent(active)) return;
    this.active.delete(subject.key);
    this.up.set(subject.key, up);
    subject.rested(active.cause);
    subject.shown();
  }

  private async run(active: Active, hook: HookEvent, step: number): Promise<void> {
    const { subject } = active;
    const running = new AbortController();
    active.running = running;
    subject.shown();
    try {
      const outcome = await this.inTurn(subject.key, () => subject.run(hook, step, running.signal, active.cause));
      active.running = null;
      if (!this.isCurrent(active)) return;
      if (outcome.kind === 'called-off') this.look(subject.key);
      else if (outcome.kind === 'failed' && outcome.follows === 'abort') this.aborted(active, hook, step, outcome.reason, outcome.event);
      else await this.enter(active, { phase: hook, step: step + 1 });
    } catch (thrown) {
      // Only a defect leads here: what goes wrong with a command is an outcome.
      active.running = null;
      const reason = `met a defect: ${toHiveError(thrown).message}`;
      this.warn(`The ${hook} hook of ${subject.key} ${reason}`);
      if (!this.isCurrent(active)) return;
      if (hook === 'pre-up' || hook === 'post-up') this.aborted(active, hook, step, reason, active.cause);
      else await this.enter(active, { phase: hook, step: step + 1 });
    }
  }

  private aborted(active: Active, hook: HookEvent, step: number, reason: string, event: PendingCause): void {
    const { subject } = active;
    active.cause = event;
    switch (hook) {
      case 'pre-up':
      case 'post-up':
        subject.giveUp(hook, step, reason, event);
        return void this.rest(active, false);
      case 'pre-down':
        if (subject.keepUp(hook, step, reason)) return void this.rest(active, true);
        return void this.enter(active, { phase: hook, step: step + 1 });
      case 'post-down':
        if (subject.facts()?.wanted === 'up') subject.giveUp(hook, step, reason, event);
        return void this.rest(active, false);
    }
  }

  private isCurrent(active: Active): boolean {
    return !this.closed && this.active.get(active.subject.key) === active;
  }
}
