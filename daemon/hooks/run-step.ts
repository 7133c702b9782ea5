import { setTimeout as delay } from 'node:timers/promises';
import type { HookStep } from '../../shared/config/service-spec.js';
import type { HookFields } from '../../shared/protocol/events.js';
import { seconds } from '../reconciler/restart-policy.js';
import type { EventRef } from '../state/state-store.js';
import { afterFailure } from './after-failure.js';
import type { HookEvent } from './hook-steps.js';

export type CommandStep = Extract<HookStep, { kind: 'run' }>;

/** How an attempt at a command ended; `reason` goes on from the step's name: `exited with code 3: no such table`. */
export type Attempt = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly follows: 'abort' | 'warn'; readonly reason: string; readonly event: EventRef }
  | { readonly kind: 'called-off' };

export type HookNews =
  | { readonly type: 'hook.started' }
  | { readonly type: 'hook.finished'; readonly tookMs: number }
  | { readonly type: 'hook.failed'; readonly tookMs: number; readonly reason: string; readonly follows: 'retry' | 'abort' | 'warn' | 'called-off'; readonly retryInMs: number | null };

/** What running a step needs. */
export interface StepWorld {
  readonly hook: HookEvent;
  /** Runs the command once; resolves when nothing of it is left, also after the signal. `place`: `2`, or `2.1`. */
  attempt(step: CommandStep, place: string, signal: AbortSignal): Promise<Attempt>;
  tell(news: HookNews, at: Pick<HookFields, 'step' | 'attempt'>): EventRef;
}

/** Does one step of a hook, with all its attempts, and resolves when nothing of it runs any more. */
export async function runStep(step: HookStep, place: string, world: StepWorld, signal: AbortSignal): Promise<StepOutcome> {
  return step.kind === 'parallel' ? runTogether(step, place, world, signal) : runCommand(step, place, world, signal);
}

async function runCommand(step: CommandStep, place: string, world: StepWorld, signal: AbortSignal): Promise<StepOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    if (signal.aborted) return { kind: 'called-off' };
    const at = { step: place, attempt };
    const began = performance.now();
    world.tell({ type: 'hook.started' }, at);
    const ended = await world.attempt(step, place, signal);
    const tookMs = Math.round(performance.now() - began);
    if (ended.ok) {
      world.tell({ type: 'hook.finished', tookMs }, at);
      return { kind: 'done' };
    }
    if (signal.aborted) {
      world.tell({ type: 'hook.failed', tookMs, reason: 'was called off', follows: 'called-off', retryInMs: null }, at);
      return { kind: 'called-off' };
    }
    const after = afterFailure(step, world.hook, attempt);
    const { reason } = ended;
    const event = world.tell({ type: 'hook.failed', tookMs, reason, follows: after.follows, retryInMs: after.follows === 'retry' ? after.inMs : null }, at);
    if (after.follows !== 'retry') return { kind: 'failed', follows: after.follows, reason, event };
    await delay(after.inMs, undefined, { signal }).catch(() => undefined);
  }
}

/** All at once; the first that fails for good ends the others. */
async function runTogether(step: Extract<HookStep, { kind: 'parallel' }>, place: string, world: StepWorld, signal: AbortSignal): Promise<StepOutcome> {
  const began = performance.now();
  const enough = new AbortController();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), step.timeoutMs);
  const failures: string[] = [];
  try {
    await Promise.all(step.steps.map(async (child, index) => {
      const childPlace = `${place}.${index + 1}`;
      const outcome = await runStep(child, childPlace, world, AbortSignal.any([signal, enough.signal, late.signal]));
      if (outcome.kind !== 'failed' || outcome.follows !== 'abort') return;
      failures.push(`step ${childPlace} ${outcome.reason}`);
      enough.abort();
    }));
  } finally {
    clearTimeout(timer);
  }
  if (signal.aborted) return { kind: 'called-off' };
  if (late.signal.aborted) failures.unshift(`took longer than ${seconds(step.timeoutMs)} and was stopped`);
  const [first] = failures;
  if (first === undefined) return { kind: 'done' };
  const reason = late.signal.aborted ? first : `failed: ${first}`;
  const follows = step.onFailure;
  const event = world.tell({ type: 'hook.failed', tookMs: Math.round(performance.now() - began), reason, follows, retryInMs: null }, { step: place, attempt: 1 });
  return { kind: 'failed', follows, reason, event };
}
