import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../../../../shared/process/identity.js';
import { readProc } from '../../../../shared/process/read-proc.js';
import { signalGroup, signalProcess } from '../../../../shared/process/send-signal.js';
import { ticksPerSecond, ticksSinceBoot } from '../../../../shared/process/machine.js';
import { constants } from 'node:os';

const startingTicks = ticksPerSecond / 2;
const longestWaitMs = 200;

/**
 * The first rung: the declared signal to the service's process group, then SIGCONT, because a stopped process does not
 * act on a signal before it continues.
 */
export async function signalServiceGroup(main: ProcessIdentity, declared: NodeJS.Signals): Promise<void> {
  const signal = await signalThatArrives(main, declared);
  for (const next of [signal, 'SIGCONT'] as const) {
    // In its very first moment the service has no group of its own yet.
    if (signalGroup(main, next) === 'gone') signalProcess(main, next);
  }
}

/**
 * Where `env` cannot undo it (BusyBox), services have SIGINT and SIGQUIT ignored like every background command of a
 * shell. Waiting the whole grace period for a signal that is ignored helps nobody: such a service gets SIGTERM.
 */
async function signalThatArrives(main: ProcessIdentity, declared: NodeJS.Signals): Promise<NodeJS.Signals> {
  if (declared !== 'SIGINT' && declared !== 'SIGQUIT') return declared;
  await untilNotIgnored(main, declared);
  return ignores(main.pid, declared) ? 'SIGTERM' : declared;
}

/** In its first moment a service still has what a shell ignores in the background, and the signal would be lost. */
async function untilNotIgnored(main: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (ticksSinceBoot() - main.startTicks > startingTicks) return;
  for (const started = performance.now(); performance.now() - started < longestWaitMs; await sleep(2)) {
    if (!ignores(main.pid, signal)) return;
  }
}

/** Whether a process ignores a signal; false when it is gone. */
export function ignores(pid: number, signal: NodeJS.Signals): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1];
  if (mask === undefined) return false;
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
