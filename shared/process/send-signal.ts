import { bootId } from './machine.js';
import type { ProcessIdentity } from './identity.js';
import { isGone } from './process-row.js';
import { readProcess } from './proc-table.js';

/**
 * To kill(2), 0 is the caller's own group and -1 is everybody on the machine, so that a group "led by pid 1" would be the
 * end of it all. Whatever a record says, neither init nor this very process is ever one of ours.
 */
export function mayBeSignalled(pid: number): boolean {
  return Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid;
}

export type SignalOutcome = 'sent' | 'gone' | 'not-permitted';

/** Signals this very process, looked at immediately before; a stranger under its pid is never reached. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): SignalOutcome {
  const row = identity.bootId === bootId() ? readProcess(identity.pid) : null;
  if (row === null || row.startTicks !== identity.startTicks || isGone(row)) return 'gone';
  return send(identity.pid, signal);
}

/**
 * Signals the whole process group that `leader` leads. `gone` also when the leader itself is: then nothing proves that
 * the group's number still belongs to it.
 */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): SignalOutcome {
  const row = leader.bootId === bootId() ? readProcess(leader.pid) : null;
  // A zombie leader keeps its pid, and with it the group's number, from being reused.
  if (row === null || row.startTicks !== leader.startTicks || row.groupId !== leader.pid) return 'gone';
  return send(-leader.pid, signal);
}

function send(target: number, signal: NodeJS.Signals): SignalOutcome {
  if (!mayBeSignalled(Math.abs(target))) return 'gone';
  try {
    process.kill(target, signal);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'not-permitted' : 'gone';
  }
}
