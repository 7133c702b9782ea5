import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { failureCountsFromMs, type CheckHistory } from './verdict.js';

/** While an instance comes up, the wait between two probes is this share of the time since its start. */
const shareOfElapsed = 0.2;

/** A command costs a fork, a connection next to nothing. */
const shortestWaitMs = { http: 50, tcp: 50, cmd: 250 } as const;

/**
 * Milliseconds until a check is due again.
 *
 * Until its first verdict an instance is probed in steps that grow with its age, 50 ms (250 ms for commands) at the
 * shortest and `interval` at the longest: a service that needs 200 ms is seen within 50 ms, one that needs 30 s within
 * 6 s, and a slow one is not pestered. Afterwards the check is made every `interval`, give or take a tenth, so that a
 * thousand services that started together do not go on being probed together.
 *
 * @param random a number in [0, 1)
 */
export function nextProbeDelayMs(
  check: HealthCheckSpec,
  history: CheckHistory,
  times: { readonly startedAtMs: number; readonly nowMs: number },
  random: number,
): number {
  if (history.verdict !== 'none') return check.intervalMs * (0.9 + 0.2 * random);
  const elapsedMs = times.nowMs - times.startedAtMs;
  const quickMs = Math.min(check.intervalMs, Math.max(shortestWaitMs[check.type], elapsedMs * shareOfElapsed));
  const untilFailureCountsMs = failureCountsFromMs(history, check, times.startedAtMs) - times.nowMs;
  return untilFailureCountsMs > 0 ? Math.min(quickMs, untilFailureCountsMs) : quickMs;
}

/** Milliseconds from the moment an instance is watched to its first probe: spread, for a thousand may be adopted at once. */
export function firstProbeDelayMs(random: number): number {
  return shortestWaitMs.http * random;
}
