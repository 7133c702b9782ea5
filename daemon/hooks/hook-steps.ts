import type { HooksSpec, HookStep } from '../../shared/config/service-spec.js';
import type { HookFields } from '../../shared/protocol/events.js';

/** When a hook runs. */
export type HookEvent = HookFields['hook'];

export const hookEvents: readonly HookEvent[] = ['pre-up', 'post-up', 'pre-down', 'post-down'];

export function stepsOf(hooks: HooksSpec, hook: HookEvent): readonly HookStep[] {
  switch (hook) {
    case 'pre-up':
      return hooks.preUp;
    case 'post-up':
      return hooks.postUp;
    case 'pre-down':
      return hooks.preDown;
    case 'post-down':
      return hooks.postDown;
  }
}

/** How many steps each hook has. */
export type HookCounts = Readonly<Record<HookEvent, number>>;

export function countSteps(hooks: HooksSpec): HookCounts {
  return { 'pre-up': hooks.preUp.length, 'post-up': hooks.postUp.length, 'pre-down': hooks.preDown.length, 'post-down': hooks.postDown.length };
}

export const noSteps: HookCounts = { 'pre-up': 0, 'post-up': 0, 'pre-down': 0, 'post-down': 0 };

export function hasHooks(hooks: HooksSpec): boolean {
  return hooks.preUp.length + hooks.postUp.length + hooks.preDown.length + hooks.postDown.length > 0;
}

/** How long all hooks together may take at the most, in milliseconds, the stop ladder of what times out left out. */
export function longestMs(hooks: HooksSpec): number {
  return hookEvents.flatMap((hook) => stepsOf(hooks, hook)).reduce((sum, step) => sum + longestStepMs(step), 0);
}

function longestStepMs(step: HookStep): number {
  if (step.kind === 'parallel' || step.onFailure !== 'retry') return step.timeoutMs;
  return (step.retries + 1) * step.timeoutMs + step.retries * step.retryDelayMs;
}
