import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { RolloutRecord } from './rollout-records.js';

/** What the daemon that did a rollout, or was killed in the middle of it, left of a service: numbers of instances. */
export interface LeftNumbers {
  /** It goes on: these numbers are all there is to be for now. */
  readonly isUnderWay: boolean;
  readonly serving: readonly number[];
  /** Started, and not serving yet. */
  readonly arriving: readonly number[];
  /** They get no requests any more, but may still have some. */
  readonly leaving: readonly number[];
  /** They were started with the new spec; all others with `before`. */
  readonly fresh: readonly number[];
  readonly before: ServiceSpec | null;
}

/** Pure. */
export function leftBy({ plan, at, outcome, serving, before }: RolloutRecord): LeftNumbers {
  const arriving = new Set<number>();
  const fresh = new Set<number>();
  for (const [index, step] of plan.steps.slice(0, at + 1).entries()) {
    // The step at which it is may have begun; a stop that has begun is not done, and a replacement is done again.
    if (step.do === 'start' || (step.do === 'replace' && index < at)) for (const number of step.numbers) fresh.add(number);
    if (step.do === 'start') for (const number of step.numbers) arriving.add(number);
    else if (step.do === 'stop' && index < at) for (const number of step.numbers) arriving.delete(number);
  }
  for (const number of serving) arriving.delete(number);
  const toStop = plan.steps.slice(at).flatMap((step) => (step.do === 'stop' ? step.numbers : []));
  const isUnderWay = outcome === 'running';
  return {
    isUnderWay,
    serving,
    arriving: isUnderWay ? [...arriving] : [],
    leaving: isUnderWay ? toStop.filter((number) => !serving.includes(number) && !arriving.has(number)) : [],
    fresh: [...fresh],
    before,
  };
}
