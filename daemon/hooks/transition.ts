import type { HookCounts, HookEvent } from './hook-steps.js';

/**
 * Where a service, or a source as a whole, is between up and down. A step is counted from 0 and is the next to be done.
 *
 *   (down) ─▶ pre-up ─▶ coming-up ─▶ post-up ─▶ (up)
 *      ▲         ▲ still wanted up      │ wanted down    │
 *      └── post-down ◀── going-down ◀── pre-down ◀───────┘
 *
 * At rest there is no transition. What the hooks stand around, the starting and stopping of instances, is the
 * reconciler's: `coming-up` and `going-down` only wait for it.
 */
export type Transition =
  | { readonly phase: HookEvent; readonly step: number }
  | { readonly phase: 'coming-up' }
  | { readonly phase: 'going-down' };

/** What a transition looks at; plain values, so that deciding is a function of them. */
export interface TransitionFacts {
  readonly wanted: 'up' | 'down';
  /** Nothing but its own hooks keeps it from starting. */
  readonly mayStart: boolean;
  /** All of it runs, and is healthy where that is checked, or has ended well. */
  readonly ready: boolean;
  /** It has failed, and nothing of it will come up by itself. */
  readonly over: boolean;
  /** Nothing of it is alive. */
  readonly gone: boolean;
  /** What is left of it cannot be stopped. */
  readonly stuck: boolean;
}

export type Move =
  | { readonly do: 'wait' }
  | { readonly do: 'run'; readonly hook: HookEvent; readonly step: number }
  | { readonly do: 'enter'; readonly transition: Transition }
  /** The transition is over, and it is up or down. */
  | { readonly do: 'rest'; readonly up: boolean };

/** The next thing to do in a transition. Pure. */
export function decideMove(transition: Transition, counts: HookCounts, facts: TransitionFacts): Move {
  if (isOvertaken(transition, facts)) {
    // Before anything was started, there is nothing to take down.
    return transition.phase === 'pre-up' ? { do: 'rest', up: false } : { do: 'enter', transition: { phase: 'pre-down', step: 0 } };
  }
  switch (transition.phase) {
    case 'pre-up':
      if (!facts.mayStart) return { do: 'wait' };
      return runOr(transition, counts, { do: 'enter', transition: { phase: 'coming-up' } });
    case 'coming-up':
      if (facts.over) return { do: 'rest', up: false };
      if (!facts.ready) return { do: 'wait' };
      return counts['post-up'] === 0 ? { do: 'rest', up: true } : { do: 'enter', transition: { phase: 'post-up', step: 0 } };
    case 'post-up':
      return runOr(transition, counts, { do: 'rest', up: true });
    case 'pre-down':
      return runOr(transition, counts, { do: 'enter', transition: { phase: 'going-down' } });
    case 'going-down':
      if (facts.stuck) return { do: 'rest', up: true };
      if (!facts.gone) return { do: 'wait' };
      return counts['post-down'] === 0 ? onceDown(facts) : { do: 'enter', transition: { phase: 'post-down', step: 0 } };
    case 'post-down':
      return runOr(transition, counts, onceDown(facts));
  }
}

/** A stop that arrives during a start wins: the hook that runs is called off. */
export function isOvertaken({ phase }: Transition, { wanted }: Pick<TransitionFacts, 'wanted'>): boolean {
  return wanted === 'down' && (phase === 'pre-up' || phase === 'coming-up' || phase === 'post-up');
}

/** Whether instances may be launched as far as hooks are concerned. */
export function letsStart({ phase }: Transition): boolean {
  return phase === 'coming-up' || phase === 'post-up';
}

function runOr({ phase, step }: Extract<Transition, { step: number }>, counts: HookCounts, otherwise: Move): Move {
  return step < counts[phase] ? { do: 'run', hook: phase, step } : otherwise;
}

function onceDown({ wanted }: TransitionFacts): Move {
  return wanted === 'up' ? { do: 'enter', transition: { phase: 'pre-up', step: 0 } } : { do: 'rest', up: false };
}

/** `pre-up hook (step 1 of 2)`; null while it is not a hook that is waited for. */
export function describeHook(transition: Transition, counts: HookCounts): string | null {
  if (transition.phase === 'coming-up' || transition.phase === 'going-down' || transition.step >= counts[transition.phase]) return null;
  return `${transition.phase} hook (step ${transition.step + 1} of ${counts[transition.phase]})`;
}

/** `step 2 of its pre-up hook`, without the step where there is only one. */
export function nameStep(hook: HookEvent, step: number, counts: HookCounts, whose: string): string {
  return counts[hook] === 1 ? `${whose} ${hook} hook` : `step ${step + 1} of ${whose} ${hook} hook`;
}
