import type { HookStep } from '../../shared/config/service-spec.js';
import type { HookEvent } from './hook-steps.js';

export type AfterFailure = { readonly follows: 'retry'; readonly inMs: number } | { readonly follows: 'abort' | 'warn' };

/** What follows from the failure of an attempt at a step, the first being 1. Pure. */
export function afterFailure(step: HookStep, hook: HookEvent, attempt: number): AfterFailure {
  if (step.kind === 'parallel' || step.onFailure !== 'retry') return { follows: step.onFailure as 'abort' | 'warn' };
  if (attempt <= step.retries) return { follows: 'retry', inMs: step.retryDelayMs };
  return { follows: usualOnFailure(hook) };
}

/** What a failure means where nothing is said: a stop is never prevented by a hook that does not ask for that. */
function usualOnFailure(hook: HookEvent): 'abort' | 'warn' {
  switch (hook) {
    case 'pre-up':
    case 'post-up':
      return 'abort';
    case 'pre-down':
    case 'post-down':
      return 'warn';
  }
}
