import type { HealthCheckSpec } from '../../shared/config/service-spec.js';

/** What is known of one check: nothing yet, or the side it is on. */
export type Verdict = 'none' | 'healthy' | 'unhealthy';

/**
 * As much of a check's past as its verdict depends on. All times are milliseconds of one monotonic clock.
 */
export interface CheckHistory {
  readonly verdict: Verdict;
  /** Failures in a row that counted. */
  readonly failures: number;
  /** When a failure counted last; the start of the instance while none has. */
  readonly countedAtMs: number;
}

export type CheckTiming = Pick<HealthCheckSpec, 'intervalMs' | 'retries' | 'startPeriodMs'>;

/**
 * A check that has not been made yet. `knownHealthy` is what an earlier daemon had found out about the same incarnation;
 * null: nothing.
 */
export function freshHistory(startedAtMs: number, knownHealthy: boolean | null): CheckHistory {
  const verdict = knownHealthy === null ? 'none' : knownHealthy ? 'healthy' : 'unhealthy';
  return { verdict, failures: 0, countedAtMs: startedAtMs };
}

/**
 * The history after one more probe, made at `atMs`.
 *
 * A success makes the check healthy at once. `retries` failures in a row make it unhealthy. While an instance comes up
 * it is probed more often than `interval` says (probe-schedule.ts); those early looks can only find it healthy: until
 * the first success a failure counts at most once per interval, and not at all within the start period.
 */
export function afterProbe(
  history: CheckHistory,
  timing: CheckTiming,
  startedAtMs: number,
  probe: { readonly passed: boolean; readonly atMs: number },
): CheckHistory {
  if (probe.passed) return { verdict: 'healthy', failures: 0, countedAtMs: history.countedAtMs };
  if (history.verdict === 'none' && probe.atMs < failureCountsFromMs(history, timing, startedAtMs)) return history;
  const failures = history.failures + 1;
  return {
    verdict: failures >= timing.retries ? 'unhealthy' : history.verdict,
    failures,
    countedAtMs: probe.atMs,
  };
}

/** The earliest time at which a failure of a check without a verdict counts. */
export function failureCountsFromMs(history: CheckHistory, timing: CheckTiming, startedAtMs: number): number {
  return Math.max(startedAtMs + timing.startPeriodMs, history.countedAtMs + timing.intervalMs);
}

/** Several checks at once: healthy when all are, unhealthy as soon as one is. */
export function combineVerdicts(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('unhealthy')) return 'unhealthy';
  return verdicts.every((verdict) => verdict === 'healthy') ? 'healthy' : 'none';
}
