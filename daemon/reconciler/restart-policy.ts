import type { RestartSpec } from '../../shared/config/service-spec.js';
import type { ExitResult } from '../runner/runner.js';

/** What a restart policy remembers of the past; times are on the monotonic clock, in milliseconds. */
export interface RestartHistory {
  /** Runs in a row that were shorter than the window. */
  readonly shortRuns: number;
  /** When instances were restarted, newest last; only those within the window matter. */
  readonly restartedAtMs: readonly number[];
}

export const noHistory: RestartHistory = { shortRuns: 0, restartedAtMs: [] };

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly history: RestartHistory; readonly why: string }
  | { readonly kind: 'complete'; readonly why: string }
  | { readonly kind: 'fail'; readonly why: string };

/**
 * Decides what follows when an instance ended although it was wanted up.
 *
 * The first restart after a run of at least `windowMs` is immediate. A shorter run waits `delayMs`, which doubles with
 * each short run in a row up to `maxDelayMs`. More than `maxRestarts` restarts within `windowMs` end in failure.
 *
 * @param uptimeMs how long the run lasted, on the monotonic clock
 * @param nowMs    the monotonic clock
 * @param told     how it ended, where the exit does not tell; `neverRan`: there was no run that could have lasted
 */
export function decideRestart(spec: RestartSpec, exit: ExitResult, uptimeMs: number, history: RestartHistory, nowMs: number, told: { readonly how?: string; readonly neverRan?: boolean } = {}): RestartDecision {
  const succeeded = exit.kind === 'code' && exit.code === 0;
  const how = told.how ?? describeExit(exit);
  const lasted = told.neverRan === true ? '' : ` after only ${seconds(uptimeMs)}`;
  switch (spec.policy) {
    case 'never':
      return succeeded ? { kind: 'complete', why: how } : { kind: 'fail', why: `${how}; its restart policy is never` };
    case 'on-failure':
      if (succeeded) return { kind: 'complete', why: how };
      break;
    case 'always':
    case 'unless-stopped':
      break;
  }

  const recent = history.restartedAtMs.filter((at) => nowMs - at < spec.windowMs);
  if (spec.maxRestarts !== null && recent.length >= spec.maxRestarts) {
    return { kind: 'fail', why: `${how} after ${recent.length} restarts within ${seconds(spec.windowMs)}, the limit (max_restarts)` };
  }
  const longRun = uptimeMs >= spec.windowMs;
  const shortRuns = longRun ? 0 : history.shortRuns + 1;
  const delayMs = longRun ? 0 : Math.min(spec.delayMs * 2 ** Math.min(shortRuns - 1, 30), spec.maxDelayMs);
  const keep = spec.maxRestarts ?? 0;
  return {
    kind: 'restart',
    delayMs,
    history: { shortRuns, restartedAtMs: keep === 0 ? [] : [...recent, nowMs].slice(-keep) },
    why: longRun
      ? `${how} after ${seconds(uptimeMs)}: restarting at once`
      : `${how}${lasted}: restarting in ${seconds(delayMs)}${shortRuns > 1 ? ` (short run ${shortRuns} in a row)` : ''}`,
  };
}

/** How a run ended, as the beginning of a sentence. */
export function describeExit(exit: ExitResult): string {
  switch (exit.kind) {
    case 'code':
      return `exited with code ${exit.code}`;
    case 'signal':
      return `was killed by ${exit.signal}${exit.coreDumped === true ? ' (core dumped)' : ''}`;
    case 'unknown':
      return `ended, nobody knows how (${exit.reason})`;
  }
}

/** `950 ms`, `4 s`, `2.5 s`, `3 min`. */
export function seconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 1 : 0))} s`;
  return `${Math.round(ms / 60_000)} min`;
}
