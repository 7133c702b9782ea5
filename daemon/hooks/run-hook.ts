import { setTimeout as delay } from 'node:timers/promises';
import type { HooksSpec } from '../../shared/config/service-spec.js';
import type { EventRef, PendingCause, StateStore } from '../state/state-store.js';
import { attemptCommand, type HookOwner, type HookTools } from './hook-command.js';
import { stepsOf, type HookEvent } from './hook-steps.js';
import { runStep, type StepOutcome } from './run-step.js';

/** A step of a hook, counted from 0. `key`: a service's full name or `source:*`, as events name it. */
export interface HookStepRef {
  readonly key: string;
  readonly hooks: HooksSpec;
  readonly hook: HookEvent;
  readonly step: number;
}

const longestClearingMs = 5_000;

/** Runs a step with all its attempts, each of which is an event. */
export async function runHookStep(tools: HookTools, store: StateStore, owner: HookOwner, { key, hooks, hook, step: index }: HookStepRef, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome> {
  const steps = stepsOf(hooks, hook);
  const step = steps[index];
  // The configuration has fewer steps by now.
  if (step === undefined) return { kind: 'done' };
  // Another step that an earlier daemon left; this one waits for its own by itself.
  await Promise.race([tools.runner.tasksCleared(), delay(longestClearingMs, undefined, { ref: false })]);
  let last: PendingCause = cause;
  return runStep(step, String(index + 1), {
    hook,
    attempt: (command, place, called) => attemptCommand(tools, owner, hook, command, place, called),
    tell: (news, at) => {
      const ref: EventRef = { seq: 0 };
      const before = last;
      last = ref;
      const fields = { service: key, hook, step: at.step, steps: steps.length, attempt: at.attempt };
      void store.record((tx) => { ref.seq = tx.append({ ...news, ...fields }, before).seq; });
      return ref;
    },
  }, signal);
}
