import { randomUUID } from 'node:crypto';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { InstanceEvent } from '../reconciler/instance-event.js';
import type { InstanceState } from '../reconciler/instance-state.js';
import { noHistory, type RestartHistory } from '../reconciler/restart-policy.js';
import type { Effect, Step } from '../reconciler/step.js';
import { decide } from '../reconciler/transitions.js';
import type { ExitResult, InstanceRef } from '../runner/runner.js';
import { instanceKey } from '../runner/runner.js';
import type { EventRef, PendingCause, StateStore } from '../state/state-store.js';
import type { InstanceRecord, InstanceRecords } from './instance-records.js';
import { bootId, monotonicMs } from './monotonic-clock.js';

/** What an actor needs of its surroundings. */
export interface ActorWorld {
  readonly store: StateStore;
  readonly records: InstanceRecords;
  /** What is wanted now; read anew at every step. */
  wanted(): 'up' | 'down';
  /** Nothing may be decided now: what the instance really is, is not known yet. What is wanted of it is remembered elsewhere. */
  held(): boolean;
  /** Does what a step asks for; outcomes come back through `post`. Called once the step is on disk. */
  perform(effect: Effect, actor: InstanceActor): void;
  /** The state has changed in memory (and will be on disk before effects happen). */
  changed(actor: InstanceActor, before: InstanceState): void;
  /** A step and its events are on disk. */
  settled(actor: InstanceActor): void;
}

export interface RunFacts {
  startedAt: Date;
  startedAtMs: number;
}

/** What an instance remembers beside its state. */
export interface InstanceMemory {
  readonly history: RestartHistory;
  readonly restarts: number;
  readonly run: RunFacts | null;
  readonly runHash: string | null;
  readonly lastExit: { readonly exit: ExitResult; readonly at: Date } | null;
}

/**
 * One instance with its mailbox. An event is decided on at once (transitions.ts), the step is written, and only then its
 * effects are done; an event that arrives meanwhile finds the new state already.
 */
export class InstanceActor {
  private current: InstanceState = { kind: 'stopped' };
  private history: RestartHistory = noHistory;
  private lastCause: PendingCause;
  restarts = 0;
  run: RunFacts | null = null;
  /** `instanceHash` of the spec that the present run was launched with; null where nobody knows. */
  runHash: string | null = null;
  lastExit: InstanceMemory['lastExit'] = null;

  constructor(
    readonly ref: InstanceRef,
    /** What its next incarnation is started with; in a rollout not the same for all instances of a service. */
    public spec: ServiceSpec,
    private readonly world: ActorWorld,
  ) {}

  get id(): string {
    return instanceKey(this.ref);
  }

  get fqn(): string {
    return `${this.ref.source}:${this.ref.service}`;
  }

  get state(): InstanceState {
    return this.current;
  }

  /** What the present state came from: the cause of what follows, here and in others. */
  get cause(): PendingCause {
    return this.lastCause;
  }

  /** Takes over what an earlier daemon knew. Only before the first event. */
  restore(state: InstanceState, memory: InstanceMemory): void {
    this.current = state;
    this.history = memory.history;
    this.restarts = memory.restarts;
    this.run = memory.run;
    this.runHash = memory.runHash;
    this.lastExit = memory.lastExit;
  }

  /** Nothing is known yet, because of what `on` says. Only before `restore`; nothing is written. */
  showWaiting(on: string, blocked: boolean): void {
    this.current = { kind: 'waiting', on, blocked, why: 'it is wanted up' };
  }

  /** `cause`: what led to the event where it is not the instance's own last event. */
  post(event: InstanceEvent, cause?: PendingCause): void {
    if (this.world.held()) return;
    const before = this.current;
    const step = decide(before, event, {
      service: this.fqn,
      instance: this.id,
      wanted: this.world.wanted(),
      restart: this.spec.restart,
      history: this.history,
      nowMs: monotonicMs(),
      nextIncarnation: randomUUID(),
    });
    if (step === 'ignore') return;
    this.current = step.next;
    this.history = step.history;
    if (step.restarted) this.restarts += 1;
    if (step.next.kind === 'starting') this.runHash = this.spec.instanceHash;
    this.noteRun(event, before);
    this.write(step, cause);
    this.world.changed(this, before);
  }

  uptimeMs(): number {
    return this.run === null ? 0 : monotonicMs() - this.run.startedAtMs;
  }

  record(): InstanceRecord {
    return {
      boot: bootId(),
      state: this.current,
      history: this.history,
      restarts: this.restarts,
      startedAt: this.run?.startedAt.toISOString() ?? null,
      startedAtMs: this.run?.startedAtMs ?? null,
      runHash: this.runHash,
      lastExit: this.lastExit === null ? null : { exit: this.lastExit.exit, at: this.lastExit.at.toISOString() },
    };
  }

  private noteRun(event: InstanceEvent, before: InstanceState): void {
    switch (event.kind) {
      case 'launched':
        this.run = { startedAt: event.process.startedAt, startedAtMs: monotonicMs() };
        break;
      case 'exited':
      case 'gone':
        if (before.kind === 'running' || before.kind === 'stopping') {
          this.run = null;
          this.lastExit = { exit: event.exit, at: new Date() };
        }
        break;
      default:
        break;
    }
  }

  private write(step: Step, cause: PendingCause): void {
    const { id } = this;
    const record = this.record();
    const first = cause ?? this.lastCause;
    // The references exist now, their numbers once the transaction ran: later steps may already name them as cause.
    const refs = step.events.map((): EventRef => ({ seq: 0 }));
    this.lastCause = refs.at(-1) ?? first;
    const done = this.world.store.record((tx) => {
      step.events.forEach((event, index) => {
        (refs[index] as EventRef).seq = tx.append(event, index === 0 ? first : refs[index - 1]).seq;
      });
      this.world.records.save(id, record);
    });
    void done.then(() => {
      for (const effect of step.effects) this.world.perform(effect, this);
      this.world.settled(this);
    });
  }
}
