import type { Scale } from '../../shared/client/index.js';
import { desiredAbove, desiredBelow, metricsOf } from './desired-instances.js';
import type { Measured, Usage } from './usage.js';
import { duration, instances, short } from './words.js';

/** Whether a service can be judged by its figures: some states forbid to touch it, others only make figures mean nothing. */
export type Condition =
  | { readonly kind: 'settled' }
  /** Not all of its instances run and are healthy. */
  | { readonly kind: 'unsettled'; readonly why: string }
  /** It is wanted down or being deployed. */
  | { readonly kind: 'untouchable'; readonly why: string };

/** What is remembered of a service from one decision to the next. Times are monotonic milliseconds. */
export interface Memory {
  /** When the number of instances changed last, whoever changed it; at first, when the service was first seen. */
  readonly changedAtMs: number;
  /** Since when every decision found that fewer would do, and how many had to stay at the busiest of them. */
  readonly quiet: { readonly sinceMs: number; readonly instances: number } | null;
}

export interface Situation {
  readonly nowMs: number;
  readonly scale: Scale;
  readonly condition: Condition;
  readonly measured: Measured;
  readonly memory: Memory;
}

export type HoldCause = 'untouchable' | 'unsettled' | 'unmeasured' | 'cooling down' | 'at limit' | 'enough';

export type Decision =
  | { readonly kind: 'hold'; readonly cause: HoldCause; readonly why: string }
  | { readonly kind: 'scale'; readonly to: number; readonly why: string };

/**
 * What to do about one service now, and what to remember. A pure function: time comes in, nothing goes out but the answer.
 *
 * What it promises, whatever comes in: it never answers a number outside of min and max; it holds where figures are
 * missing or odd; under a constant load it changes the number in one direction only, and then no more.
 */
export function decide(situation: Situation): { decision: Decision; memory: Memory } {
  const { scale, condition, measured, memory, nowMs } = situation;
  const restless: Memory = { ...memory, quiet: null };
  const hold = (cause: HoldCause, why: string, next = restless): { decision: Decision; memory: Memory } => ({ decision: { kind: 'hold', cause, why }, memory: next });
  if (condition.kind === 'untouchable') return hold('untouchable', condition.why);
  const allowed = Math.min(scale.max, Math.max(scale.min, scale.instances));
  if (allowed !== scale.instances) {
    const why = `${instances(scale.instances)} are outside of ${scale.min} to ${scale.max}`;
    return { decision: { kind: 'scale', to: allowed, why }, memory: restless };
  }
  if (condition.kind === 'unsettled') return hold('unsettled', condition.why);
  if (measured.kind === 'unknown') return hold('unmeasured', measured.why);

  const sinceChangeMs = nowMs - memory.changedAtMs;
  const above = desiredAbove(scale, scale.instances, measured.usage);
  if (above !== null) {
    if (scale.instances >= scale.max) return hold('at limit', `${above.why}, and it has its max of ${instances(scale.max)}`);
    const restMs = scale.cooldownUpMs - sinceChangeMs;
    if (restMs > 0) return hold('cooling down', `${above.why}; it was scaled ${duration(sinceChangeMs)} ago and may be again in ${duration(restMs)} (cooldown_up)`);
    return { decision: { kind: 'scale', to: Math.min(scale.max, above.instances), why: above.why }, memory: restless };
  }

  const below = desiredBelow(scale, scale.instances, measured.usage);
  if (below === null) return hold('enough', whyEnough(scale, measured.usage));
  const quiet = { sinceMs: memory.quiet?.sinceMs ?? nowMs, instances: Math.max(memory.quiet?.instances ?? 0, below.instances) };
  const restMs = Math.max(scale.cooldownDownMs - (nowMs - quiet.sinceMs), scale.cooldownDownMs - sinceChangeMs);
  if (restMs > 0) return hold('cooling down', `${below.why}; if it stays so for ${duration(restMs)} more, ${instances(quiet.instances)} will do (cooldown_down)`, { ...memory, quiet });
  return { decision: { kind: 'scale', to: quiet.instances, why: `${below.why}, for ${duration(nowMs - quiet.sinceMs)}` }, memory: { ...memory, quiet } };
}

function whyEnough(scale: Scale, usage: Usage): string {
  const uses = metricsOf(scale).map(({ name, of, say, up, down }) => {
    const [low, high] = [say(of(usage.sustained)), say(of(usage.peaking))];
    const bounds = down === null ? `up to ${short(say(up))}` : `${short(say(down))} to ${short(say(up))}`;
    return `${name} is at ${low === high ? low : `${short(low)} to ${high}`} an instance (${bounds})`;
  });
  const isLow = metricsOf(scale).every(({ of, down }) => down === null || of(usage.peaking) < down);
  return `${uses.join(' and ')}${isLow ? `, and ${scale.instances <= scale.min ? `min is ${scale.min}` : 'fewer would have too much to do'}` : ''}`;
}
