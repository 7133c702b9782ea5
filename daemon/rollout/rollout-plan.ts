import type { RolloutSpec } from '../../shared/config/service-spec.js';
import { noSteps, type HookCounts, type HookEvent } from '../hooks/hook-steps.js';

export type Color = 'blue' | 'green';

/** What a rollout does, one after the other. Each step can be done again: a daemon that comes up resumes at the one it finds. */
export type RolloutStep =
  /** New instances of the new spec, which get no requests yet. */
  | { readonly do: 'start'; readonly numbers: readonly number[] }
  /** The same instances anew, with the new spec. */
  | { readonly do: 'replace'; readonly numbers: readonly number[] }
  /** Their cluster replaces what it runs for them by the new spec, in its own steps. */
  | { readonly do: 'update'; readonly numbers: readonly number[]; readonly id: string; readonly maxSurge: number; readonly maxUnavailable: number; readonly onFailure: 'keep-old' | 'abort' }
  /** Until they run and their checks pass; one that crashes or takes too long ends the rollout. */
  | { readonly do: 'awaitReady'; readonly numbers: readonly number[]; readonly withinMs: number }
  /** They have to stay ready for so long. */
  | { readonly do: 'hold'; readonly numbers: readonly number[]; readonly forMs: number }
  /** Exactly these get requests from now on; done when every proxy has applied it. */
  | { readonly do: 'serve'; readonly numbers: readonly number[] }
  /** They are drained and stopped, and are gone afterwards. */
  | { readonly do: 'stop'; readonly numbers: readonly number[] }
  /** One step of a hook, counted from 0, on behalf of the first of these instances. */
  | { readonly do: 'hook'; readonly hook: HookEvent; readonly step: number; readonly numbers: readonly number[] };

/** What of a service's hooks a plan is made of. */
export interface PlannedHooks {
  readonly steps: HookCounts;
  /** How long all of them may take, in milliseconds. */
  readonly longestMs: number;
}

const noHooks: PlannedHooks = { steps: noSteps, longestMs: 0 };

export interface RolloutPlan {
  readonly strategy: RolloutSpec['type'];
  /** What is rolled out, in blue-green. */
  readonly color: Color | null;
  readonly steps: readonly RolloutStep[];
}

/** How long new instances may take to become ready where the strategy does not say. */
const usualReadyMs = 60_000;

/** In blue-green the number of an instance tells its colour, so that nothing has to remember it. */
export function colorOf(number: number): Color {
  return number % 2 === 1 ? 'blue' : 'green';
}

/**
 * The steps from the instances that are there (`present`) to `count` of the new spec. The strategy is nothing but the
 * order of steps; doing them is the same for all. Hooks run once a rollout: pre-up first, post-up before the new instances get
 * requests for the first time, pre-down before the first old one stops and post-down after the last.
 * `inPlace`: a cluster runs them and rolls by itself; a name for that. Pure.
 */
export function planRollout(rollout: RolloutSpec, present: readonly number[], count: number, hooks: PlannedHooks = noHooks, inPlace: string | null = null): RolloutPlan {
  const run = (hook: HookEvent, numbers: readonly number[]): RolloutStep[] => Array.from({ length: hooks.steps[hook] }, (_, step) => ({ do: 'hook', hook, step, numbers: numbers.slice(0, 1) }));
  switch (rollout.type) {
    case 'recreate': {
      const numbers = [...present];
      // Its hooks stand around the restart of its instances.
      return { strategy: 'recreate', color: null, steps: [{ do: 'replace', numbers }, { do: 'awaitReady', numbers, withinMs: usualReadyMs + hooks.longestMs }] };
    }
    case 'blue-green': {
      const color = present[0] !== undefined && colorOf(present[0]) === 'blue' ? 'green' : 'blue';
      const numbers = numbersOfColor(color, count);
      const old = present.filter((number) => colorOf(number) !== color);
      // Left by a deploy that could not be undone: with which spec is not known.
      const leftOver = present.filter((number) => colorOf(number) === color);
      return {
        strategy: 'blue-green',
        color,
        steps: [
          ...(leftOver.length === 0 ? [] : [{ do: 'serve', numbers: old } as const, { do: 'stop', numbers: leftOver } as const]),
          ...run('pre-up', numbers),
          { do: 'start', numbers },
          { do: 'awaitReady', numbers, withinMs: rollout.timeoutMs },
          { do: 'hold', numbers, forMs: rollout.healthyDurationMs },
          ...run('post-up', numbers),
          { do: 'serve', numbers },
          ...run('pre-down', old),
          { do: 'stop', numbers: old },
          ...run('post-down', old),
        ],
      };
    }
    case 'rolling':
      if (inPlace !== null) {
        const { maxSurge, maxUnavailable, onFailure } = rollout;
        const numbers = [...present];
        return { strategy: 'rolling', color: null, steps: [...run('pre-up', numbers), { do: 'update', numbers, id: inPlace, maxSurge, maxUnavailable, onFailure }, { do: 'awaitReady', numbers, withinMs: usualReadyMs }, ...run('post-up', numbers)] };
      }
      return { strategy: 'rolling', color: null, steps: rollingSteps(present, freeNumbers(present, count), rollout.maxSurge, rollout.maxUnavailable, run) };
  }
}

/** The numbers that `count` instances of a colour have. */
export function numbersOfColor(color: Color, count: number): number[] {
  return Array.from({ length: count }, (_, index) => 2 * index + (color === 'blue' ? 1 : 2));
}

function freeNumbers(taken: readonly number[], count: number): number[] {
  const free: number[] = [];
  for (let number = 1; free.length < count; number += 1) if (!taken.includes(number)) free.push(number);
  return free;
}

/** Batch by batch: up to `unavailable` old ones go before their successors come, up to `surge` after. */
function rollingSteps(present: readonly number[], fresh: readonly number[], surge: number, unavailable: number, run: (hook: HookEvent, numbers: readonly number[]) => RolloutStep[]): RolloutStep[] {
  const steps: RolloutStep[] = run('pre-up', fresh);
  let old = [...present];
  let serving = [...present];
  let toStart = [...fresh];
  const leave = (numbers: readonly number[]): void => {
    if (numbers.length === 0) return;
    old = old.filter((number) => !numbers.includes(number));
    serving = serving.filter((number) => !numbers.includes(number));
    const isFirst = !steps.some((step) => step.do === 'stop');
    steps.push({ do: 'serve', numbers: serving }, ...(isFirst ? run('pre-down', numbers) : []), { do: 'stop', numbers });
  };
  while (toStart.length > 0) {
    const before = old.slice(0, unavailable);
    leave(before);
    const batch = toStart.slice(0, Math.max(1, surge + before.length));
    toStart = toStart.slice(batch.length);
    serving = [...serving, ...batch];
    const isFirst = !steps.some((step) => step.do === 'start');
    steps.push({ do: 'start', numbers: batch }, { do: 'awaitReady', numbers: batch, withinMs: usualReadyMs }, ...(isFirst ? run('post-up', batch) : []), { do: 'serve', numbers: serving });
    leave(old.slice(0, batch.length - before.length));
  }
  leave(old);
  if (present.length > 0) steps.push(...run('post-down', present));
  return steps;
}

/** A step as the operator reads it. */
export function describeStep(step: RolloutStep): string {
  const which = step.numbers.map((number) => `#${number}`).join(', ');
  switch (step.do) {
    case 'start':
      return `starting ${which}`;
    case 'replace':
      return `restarting ${which}`;
    case 'update':
      return `having its cluster replace ${which}`;
    case 'awaitReady':
      return `waiting for ${which} to be healthy`;
    case 'hold':
      return `watching ${which} stay healthy for ${step.forMs / 1_000} s`;
    case 'serve':
      return `sending requests to ${which === '' ? 'nobody' : which}`;
    case 'stop':
      return `draining and stopping ${which}`;
    case 'hook':
      return `running step ${step.step + 1} of the ${step.hook} hook`;
  }
}
