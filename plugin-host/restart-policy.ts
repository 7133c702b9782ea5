import type { PluginTimings } from '../shared/plugin/plugin-timings.js';

export interface EndedRun {
  /** How long it had been ready when it ended, in milliseconds; null: it never was. */
  readonly readyForMs: number | null;
  /** Consecutive unstable runs before this one. */
  readonly unstableRuns: number;
}

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly unstableRuns: number }
  | { readonly kind: 'quarantine'; readonly unstableRuns: number };

/**
 * What becomes of a plugin whose process ended though nobody asked for it. A run that was ready long enough is stable and
 * resets the count; any other doubles the wait, and the last one that is allowed ends in quarantine.
 * `random` in [0, 1) spreads the wait by a fifth either way, so that plugins that fell together do not rise together.
 */
export function decideRestart(run: EndedRun, timings: PluginTimings, random: number): RestartDecision {
  const stable = run.readyForMs !== null && run.readyForMs >= timings.stableAfterMs;
  const unstableRuns = stable ? 0 : run.unstableRuns + 1;
  if (unstableRuns >= timings.quarantineAfter) return { kind: 'quarantine', unstableRuns };
  const doublings = Math.max(0, unstableRuns - 1);
  const delay = Math.min(timings.backoffLongestMs, timings.backoffFirstMs * 2 ** doublings);
  return { kind: 'restart', delayMs: Math.round(delay * (0.8 + 0.4 * random)), unstableRuns };
}
