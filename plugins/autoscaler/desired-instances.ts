import type { Scale } from '../../shared/client/index.js';
import type { Figures, Usage } from './usage.js';
import { megabytes, percent, short } from './words.js';

/*
 * How many instances a use asks for, by the formula of Kubernetes' HorizontalPodAutoscaler, as many as bring the use of
 * each to its target: ceil(instances × use / target)
 * (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details).
 *
 * The two directions have targets of their own, which is what keeps them from undoing each other. Going up, the target is
 * the upper threshold itself. Going down it is in the middle between the thresholds, and well below the upper one: as it
 * is the lower of the two targets, a load that asks for n on the way up asks for no fewer than n on the way down.
 */

interface Metric {
  readonly name: 'CPU' | 'memory';
  readonly of: (figures: Figures) => number;
  readonly up: number;
  /** Null: only how near the rest would come to `up` speaks against fewer instances. */
  readonly down: number | null;
  readonly say: (value: number) => string;
}

/** Why one metric asks for more, or for fewer. */
export interface Desired {
  readonly instances: number;
  /** `CPU is at 93% of a core an instance, above 80%`. */
  readonly why: string;
}

/** A target on the way down stays this far below the upper threshold, however near the lower threshold is to it. */
const roomBelowUp = 0.8;

export function metricsOf(scale: Scale): Metric[] {
  const cpu: Metric = { name: 'CPU', of: (figures) => figures.cpu, up: scale.cpuUp, down: scale.cpuDown, say: (value) => `${percent(value)} of a core` };
  if (scale.memoryUpBytes === null) return [cpu];
  return [cpu, { name: 'memory', of: (figures) => figures.memoryBytes, up: scale.memoryUpBytes, down: scale.memoryDownBytes, say: megabytes }];
}

/** More than `present`, or null. Not bounded by max. */
export function desiredAbove(scale: Scale, present: number, { sustained }: Usage): Desired | null {
  let most: Desired | null = null;
  for (const { name, of, up, say } of metricsOf(scale)) {
    const use = of(sustained);
    const instances = needed(present, use, up);
    if (use <= up || instances <= (most?.instances ?? present)) continue;
    most = { instances, why: `${name} is at ${say(use)} an instance, above ${short(say(up))}` };
  }
  return most;
}

/**
 * Fewer than `present`, or null: every metric must be below its lower threshold, and what is left must be enough for all.
 * At most half of the instances go at a time: use also drops when whatever sends the load is broken for a while.
 */
export function desiredBelow(scale: Scale, present: number, { peaking }: Usage): Desired | null {
  const metrics = metricsOf(scale);
  if (metrics.some(({ of, down }) => down !== null && of(peaking) >= down)) return null;
  const enough = metrics.map(({ of, up, down }) => needed(present, of(peaking), Math.min(((down ?? up) + up) / 2, up * roomBelowUp)));
  const instances = Math.max(scale.min, Math.ceil(present / 2), ...enough);
  if (instances >= present) return null;
  const low = metrics.flatMap(({ name, of, down, say }) => (down === null ? [] : [`${name} is at ${say(of(peaking))} an instance, below ${short(say(down))}`]));
  return { instances, why: low.join(' and ') };
}

/** How many keep each at its target. What is a hair more than a whole number by rounding alone counts as that number. */
function needed(present: number, use: number, target: number): number {
  return Math.ceil((present * use) / target - 1e-9);
}
