import { constants } from 'node:os';
import type { ProcessIdentity } from '../../../shared/process/identity.js';
import type { ExitResult } from '../runner.js';

/** What a shim has written down of one incarnation so far; launcher.sh says how. */
export type InstanceRecord =
  /** The lock is taken, but by whom was not written to the end. */
  | { readonly kind: 'unwritten' }
  | {
      readonly kind: 'written';
      readonly incarnation: string;
      readonly shim: ProcessIdentity;
      readonly service: ProcessIdentity | null;
      /** The order was taken back in time: no service was started, and none will be. */
      readonly declined: boolean;
      readonly exit: ExitResult | null;
      /** Seconds from boot to the exit; null where that was not written down. */
      readonly endedAtUptime: number | null;
    };

/** 0 and 1 are never a service's: no shim has written that. */
const firstPid = 2;

/** Reads a record. Only lines that end in a newline count; what follows the last one was never finished. */
export function parseRecord(text: string): InstanceRecord {
  const lines = text.split('\n').slice(0, -1);
  const shimLine = /^shim (\S+) (\d+) (\d+) (\S+)$/.exec(lines[0] ?? '');
  if (shimLine === null || Number(shimLine[2]) < firstPid) return { kind: 'unwritten' };
  const [, bootId = '', pid, startTicks, incarnation = ''] = shimLine;
  const written = /^service (\d+) (\d+)$/.exec(lines[1] ?? '');
  const serviceLine = written !== null && Number(written[1]) >= firstPid ? written : null;
  const exitLine = /^exit (\d+)(?: ([\d.]*))?$/.exec(lines.at(-1) ?? '');
  return {
    kind: 'written',
    incarnation,
    shim: { bootId, pid: Number(pid), startTicks: Number(startTicks) },
    service: serviceLine === null ? null : { bootId, pid: Number(serviceLine[1]), startTicks: Number(serviceLine[2]) },
    declined: lines[1] === 'declined',
    endedAtUptime: Number(exitLine?.[2] ?? '') || null,
    exit: exitLine === null ? null : exitResultOf(Number(exitLine[1]), lines.slice(2, -1)),
  };
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));
// These have two names each; the one that POSIX and `kill -l` use is kept.
signalNames.set(constants.signals.SIGABRT, 'SIGABRT');
signalNames.set(constants.signals.SIGIO, 'SIGIO');

/**
 * Tells an exit code from a signal. The shell's status cannot (143 is both `exit 143` and SIGTERM), but its job line
 * can: `[1] + Done(143)` or `[1] + Terminated`. The wording of signals differs between C libraries, so only `Done` is
 * read and the signal's number comes from the status. Without a job line a status above 128 stays unknown.
 */
export function exitResultOf(status: number, jobLines: readonly string[]): ExitResult {
  const job = jobLines.map((line) => /^\[\d+\]\s*[+-]?\s*(\S.*)$/.exec(line)?.[1]).find((said) => said !== undefined);
  if (job === undefined) {
    if (status <= 128) return { kind: 'code', code: status };
    return { kind: 'unknown', reason: `The shell reported status ${status} and did not say whether that was a signal.` };
  }
  const done = /^(?:Done|Exit)(?:\((\d+)\)| (\d+))?(?:\s|$)/.exec(job);
  if (done !== null) return { kind: 'code', code: Number(done[1] ?? done[2] ?? 0) };
  const signal = signalNames.get(status - 128);
  if (signal === undefined) return { kind: 'unknown', reason: `It was ended by signal ${status - 128}, which has no name here.` };
  return job.includes('(core dumped)') ? { kind: 'signal', signal, coreDumped: true } : { kind: 'signal', signal };
}
