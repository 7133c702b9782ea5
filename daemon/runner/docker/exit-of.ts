import type { ContainerInspectInfo } from 'dockerode';
import type { ExitResult } from '../runner.js';

/** How a container ended, as its engine says; null: it runs. */
export function exitOf({ State: state }: Pick<ContainerInspectInfo, 'State'>): { exit: ExitResult; at: Date; startedAt: Date | null; diagnosis?: string } | null {
  if (state.Running || state.Paused || state.Restarting || state.Status === 'created') return null;
  const at = timeOf(state.FinishedAt) ?? new Date();
  const startedAt = timeOf(state.StartedAt);
  const why = state.OOMKilled ? 'the kernel killed it because it used more memory than its limit' : state.Error === '' ? undefined : state.Error;
  return { exit: resultOf(state), at, startedAt, ...(why === undefined ? {} : { diagnosis: why }) };
}

/**
 * Engines say 128 + n where a signal ended the process, as a shell does; which of the two it was, they do not say. 255 with
 * an end that lies before the engine's own start is what Docker writes when nobody saw the end.
 */
function resultOf({ ExitCode: code, FinishedAt: finished }: ContainerInspectInfo['State']): ExitResult {
  if (timeOf(finished) === null) return { kind: 'unknown', reason: 'its engine does not know when it ended' };
  return { kind: 'code', code };
}

/** Engines write the year 1 where they know no time. */
export function timeOf(text: string): Date | null {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1970 ? null : time;
}
