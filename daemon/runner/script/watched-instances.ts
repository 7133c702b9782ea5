import { isAlive, type ProcessIdentity } from '../../../shared/process/identity.js';
import { dateOfTicks } from '../../../shared/process/machine.js';
import type { ExitResult, InstanceExit, InstanceRef, RunningInstance } from '../runner.js';
import { exitDiagnosis, type StartedWith } from './diagnose.js';
import { memoryDiagnosis } from './instance-cgroups.js';
import { readInstanceState } from './instance-state.js';

/** An incarnation that this daemon has seen alive, or whose end it has not forgotten. */
export class WatchedInstance {
  readonly startedAt: Date;
  readonly ended: Promise<InstanceExit>;
  end: InstanceExit | null = null;
  /** Looks in a row at which the service was gone and its shim had not said how. */
  looksWithoutWord = 0;
  announceEnd: (exit: InstanceExit) => void = () => undefined;

  constructor(
    readonly ref: InstanceRef,
    readonly incarnation: string,
    readonly folder: string,
    readonly main: ProcessIdentity | null,
    public shim: ProcessIdentity | null,
    readonly startedWith: StartedWith | null,
  ) {
    // A start of 0 ticks is what a shim writes of a service that was gone before it could be looked at.
    this.startedAt = main === null || main.startTicks === 0 ? new Date() : dateOfTicks(main.startTicks);
    this.ended = new Promise((resolve) => (this.announceEnd = resolve));
  }

  describe(): RunningInstance {
    const { ref, incarnation, startedAt } = this;
    return { ref, incarnation, pid: this.main?.pid ?? 0, startedAt, ...(this.shim === null ? {} : { shimPid: this.shim.pid }) };
  }
}

const pollEveryMs = 2_000;
const pollWithoutShimEveryMs = 200;
/** Every how many polls an instance is looked at in full although its shim's pid exists. */
const fullLookEvery = 10;
const looksBeforeUnknown = 3;

/** Knows every living incarnation, notices each end exactly once, and tells the listeners. */
export class WatchedInstances {
  private readonly living = new Map<string, WatchedInstance>();
  private readonly endedOnes = new Map<string, WatchedInstance>();
  private readonly listeners = new Set<(exit: InstanceExit) => void>();
  private readonly timers: NodeJS.Timeout[];
  private polls = 0;

  constructor(private readonly beforePoll: () => void, private readonly onDefect: (error: unknown) => void) {
    this.timers = [setInterval(() => this.poll(), pollEveryMs), setInterval(() => this.pollWithoutShim(), pollWithoutShimEveryMs)];
    for (const timer of this.timers) timer.unref();
  }

  add(instance: WatchedInstance): void {
    this.living.set(instance.incarnation, instance);
  }

  /** For an end that `adopt` reports itself. */
  addEnded(instance: WatchedInstance, end: InstanceExit): void {
    instance.end = end;
    instance.announceEnd(end);
    this.endedOnes.set(instance.incarnation, instance);
  }

  get(incarnation: string): WatchedInstance | undefined {
    return this.living.get(incarnation) ?? this.endedOnes.get(incarnation);
  }

  forget(incarnation: string): void {
    this.endedOnes.delete(incarnation);
  }

  onExit(listener: (exit: InstanceExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Looks whether this incarnation has ended, and says so if it has. */
  look(incarnation: string): void {
    const instance = this.living.get(incarnation);
    if (instance === undefined) return;
    const state = readInstanceState(instance.folder);
    const ours = 'incarnation' in state && state.incarnation === incarnation;
    if (ours && state.kind === 'running') {
      instance.shim = state.shim;
      instance.looksWithoutWord = 0;
    } else if (ours && state.kind === 'ended') {
      this.finish(instance, state.exit, state.at);
    } else if (instance.main === null || !isAlive(instance.main)) {
      instance.looksWithoutWord += 1;
      const hopeless = !ours || instance.looksWithoutWord >= looksBeforeUnknown;
      if (hopeless) this.finish(instance, { kind: 'unknown', reason: ours ? 'Its shim does not answer.' : 'Its record was removed.' }, new Date());
    }
  }

  /** The main processes and shims of everything that lives. */
  livingPids(): Set<number> {
    const pids = new Set<number>();
    for (const { main, shim } of this.living.values()) {
      if (main !== null) pids.add(main.pid);
      if (shim !== null) pids.add(shim.pid);
    }
    return pids;
  }

  lookAtAll(): void {
    for (const incarnation of [...this.living.keys()]) this.look(incarnation);
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.listeners.clear();
  }

  /**
   * Catches what no ring told of: a shim that was killed, a ring that was lost. Whether the shim's pid exists costs a
   * microsecond; who has it (a zombie, a stranger) costs ten and is asked in turns.
   */
  private poll(): void {
    this.beforePoll();
    this.polls += 1;
    let turn = this.polls;
    for (const [incarnation, instance] of [...this.living]) {
      turn += 1;
      const doubtful = instance.looksWithoutWord > 0 || turn % fullLookEvery === 0 || (instance.shim !== null && !pidExists(instance.shim.pid));
      if (doubtful) this.look(incarnation);
    }
  }

  private pollWithoutShim(): void {
    for (const [incarnation, instance] of this.living) {
      if (instance.shim === null && (instance.main === null || !isAlive(instance.main))) this.look(incarnation);
    }
  }

  private finish(instance: WatchedInstance, exit: ExitResult, at: Date): void {
    const { ref, incarnation, startedAt, startedWith, main } = instance;
    const diagnosis = memoryDiagnosis(instance.folder, incarnation) ?? (startedWith === null ? undefined : exitDiagnosis(exit, at.getTime() - startedAt.getTime(), startedWith));
    const end: InstanceExit = {
      ref,
      incarnation,
      exit,
      at,
      startedAt,
      ...(main === null ? {} : { pid: main.pid }),
      ...(diagnosis === undefined ? {} : { diagnosis }),
    };
    this.living.delete(incarnation);
    this.addEnded(instance, end);
    for (const listener of this.listeners) {
      try {
        listener(end);
      } catch (error) {
        this.onDefect(error);
      }
    }
  }
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
