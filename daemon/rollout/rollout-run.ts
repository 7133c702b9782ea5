import { setTimeout as delay } from 'node:timers/promises';
import { HiveError, toHiveError } from '../../shared/errors/index.js';
import type { HookEvent } from '../hooks/hook-steps.js';
import { describeStep, type RolloutStep } from './rollout-plan.js';
import type { RolloutRecord } from './rollout-records.js';

/** What a rollout may do to its service. Everything is idempotent, since a step may be done again by the next daemon. */
export interface RolloutWorld {
  start(numbers: readonly number[]): void;
  replace(numbers: readonly number[]): void;
  /** Resolves when their cluster has replaced them. Rejects, with a sentence, when it gave that up. */
  update(step: Extract<RolloutStep, { do: 'update' }>, signal: AbortSignal, onProgress: (sentence: string) => void): Promise<void>;
  /** Has their cluster go back to what ran before the update. */
  undoUpdate(step: Extract<RolloutStep, { do: 'update' }>): Promise<void>;
  /** Resolves when all are ready. Rejects, with a sentence, as soon as one cannot become it any more. */
  ready(numbers: readonly number[], signal: AbortSignal): Promise<void>;
  /** What those of them that are not ready wait for, for people. */
  unreadiness(numbers: readonly number[]): string;
  /** Rejects as soon as one is not ready any more. */
  unready(numbers: readonly number[], signal: AbortSignal): Promise<never>;
  serve(numbers: readonly number[]): Promise<void>;
  stop(numbers: readonly number[]): Promise<void>;
  /** Runs a step of a hook on behalf of an instance; resolves, or rejects, when nothing of it runs any more. */
  hook(hook: HookEvent, step: number, number: number, signal: AbortSignal): Promise<void>;
  /** Keeps where it stands. */
  save(record: RolloutRecord): Promise<void>;
  switched(record: RolloutRecord): void;
  /** The step that is under way has changed. */
  shown(): void;
}

/**
 * Does the steps of one rollout, remembering each before it is done. A failure before the new instances serve leaves
 * everything that served as it was; the new ones are stopped again.
 */
export class RolloutRun {
  private readonly cancelled = new AbortController();

  /** How far the present step has come, where it says so. */
  private progress: string | null = null;

  constructor(private current: RolloutRecord, private readonly world: RolloutWorld) {}

  get record(): RolloutRecord {
    return this.current;
  }

  /** The step that is under way, for people. */
  get phase(): string {
    const step = this.current.plan.steps[this.current.at];
    return step === undefined ? 'done' : `${describeStep(step)}${this.progress === null ? '' : `: ${this.progress}`}`;
  }

  /** Ends it where it is; what serves goes on serving. `keep`: for the next daemon to go on with. */
  cancel(): void {
    this.cancelled.abort();
  }

  /** Resolves with how it ended. */
  async run(): Promise<RolloutRecord> {
    const { steps } = this.current.plan;
    try {
      for (; this.current.at < steps.length; this.current = { ...this.current, at: this.current.at + 1 }) {
        this.cancelled.signal.throwIfAborted();
        this.progress = null;
        await this.world.save(this.current);
        this.world.shown();
        await this.step(steps[this.current.at] as RolloutStep);
        this.cancelled.signal.throwIfAborted();
      }
      this.current = { ...this.current, outcome: 'finished', before: null };
    } catch (thrown) {
      if (this.cancelled.signal.aborted) {
        this.current = { ...this.current, outcome: 'cancelled' };
        return this.current;
      }
      const error = toHiveError(thrown);
      await this.undo();
      this.current = { ...this.current, outcome: 'failed', why: error.message };
    }
    await this.world.save(this.current);
    return this.current;
  }

  private async step(step: RolloutStep): Promise<void> {
    const { signal } = this.cancelled;
    switch (step.do) {
      case 'start':
        return this.world.start(step.numbers);
      case 'replace':
        return this.world.replace(step.numbers);
      case 'update':
        return this.world.update(step, signal, (sentence) => {
          this.progress = sentence;
          this.world.shown();
        });
      case 'awaitReady':
        return this.awaitReady(step.numbers, step.withinMs);
      case 'hold':
        return this.hold(step.numbers, step.forMs);
      case 'serve':
        await this.world.serve(step.numbers);
        this.current = { ...this.current, serving: step.numbers };
        await this.world.save(this.current);
        return this.world.switched(this.current);
      case 'stop':
        signal.throwIfAborted();
        return this.world.stop(step.numbers);
      case 'hook':
        return this.hook(step.hook, step.step, step.numbers);
    }
  }

  private async awaitReady(numbers: readonly number[], withinMs: number): Promise<void> {
    const late = AbortSignal.timeout(withinMs);
    try {
      await this.world.ready(numbers, AbortSignal.any([late, this.cancelled.signal]));
    } catch (error) {
      if (!late.aborted || this.cancelled.signal.aborted) throw error;
      throw new HiveError('TIMEOUT', `${numbers.map((number) => `#${number}`).join(', ')} did not become healthy within ${withinMs / 1_000} s (${this.world.unreadiness(numbers)})`);
    }
  }

  private async hold(numbers: readonly number[], forMs: number): Promise<void> {
    const over = new AbortController();
    try {
      await Promise.race([
        delay(forMs, undefined, { signal: this.cancelled.signal }),
        this.world.unready(numbers, AbortSignal.any([over.signal, this.cancelled.signal])),
      ]);
    } finally {
      over.abort();
    }
  }

  /** While the hook after the start runs, the new instances have to stay ready. */
  private async hook(hook: HookEvent, step: number, numbers: readonly number[]): Promise<void> {
    const [number = 1] = numbers;
    if (hook !== 'post-up') return this.world.hook(hook, step, number, this.cancelled.signal);
    const over = new AbortController();
    const watch = this.world.unready(numbers, AbortSignal.any([over.signal, this.cancelled.signal]));
    const late = new AbortController();
    watch.catch(() => late.abort());
    const run = this.world.hook(hook, step, number, AbortSignal.any([late.signal, this.cancelled.signal]));
    try {
      await run;
    } catch (error) {
      if (!late.signal.aborted || this.cancelled.signal.aborted) throw error;
      await watch;
    } finally {
      over.abort();
    }
  }

  /** What was started and does not serve goes again. */
  private async undo(): Promise<void> {
    const { plan, at, serving } = this.current;
    const made = plan.steps.slice(0, at + 1).flatMap((step) => (step.do === 'start' ? step.numbers : [])).filter((number) => !serving.includes(number));
    const updates = plan.steps.slice(0, at).flatMap((step) => (step.do === 'update' && step.onFailure === 'keep-old' ? [step] : []));
    // The failure that led here is what the operator has to hear; what cannot be undone shows itself, and keeps nothing else.
    await this.world.serve(serving).catch(() => undefined);
    await this.world.stop(made).catch(() => undefined);
    for (const step of updates) await this.world.undoUpdate(step).catch(() => undefined);
  }
}
