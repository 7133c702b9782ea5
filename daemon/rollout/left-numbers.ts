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
  const done = plan.steps.slice(0, at);
  const stopped = done.flatMap((step) => (step.do === 'stop' ? step.numbers : []));
  const started = plan.steps.slice(0, at + 1).flatMap((step) => (step.do === 'start' ? step.numbers : []));
  const replaced = done.flatMap((step) => (step.do === 'replace' ? step.numbers : []));
  const toStop = plan.steps.slice(at).flatMap((step) => (step.do === 'stop' ? step.numbers : []));
  const isUnderWay = outcome === 'running';
  return {
    isUnderWay,
    serving,
    arriving: isUnderWay ? started.filter((number) => !serving.includes(number) && !stopped.includes(number)) : [],
    leaving: isUnderWay ? toStop.filter((number) => !serving.includes(number)) : [],
    fresh: [...started, ...replaced],
    before,
  };
}
