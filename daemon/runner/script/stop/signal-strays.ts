import { signalProcess } from '../../../../shared/process/send-signal.js';
import type { ProcessRow } from '../../../../shared/process/process-row.js';
import { identityOfRow } from './instance-tree.js';

/**
 * Gives what left the service's group the same signal once: it was not told to stop yet, and killing a database that
 * put itself into the background costs its data. `told` holds the start ticks by pid of those that were.
 */
export function signalStrays(members: readonly ProcessRow[], mainPid: number | null, signal: NodeJS.Signals, told: Map<number, number>): void {
  for (const row of members) {
    if (row.groupId === mainPid || told.get(row.pid) === row.startTicks) continue;
    told.set(row.pid, row.startTicks);
    signalProcess(identityOfRow(row), signal);
    if (signal !== 'SIGKILL') signalProcess(identityOfRow(row), 'SIGCONT');
  }
}
