import { bootId } from './machine.js';
import { isGone } from './process-row.js';
import { readProcess } from './proc-table.js';

/** Names one process for good. A pid alone does not: pids are reused, and after a reboot they all are. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Ticks since boot. */
  readonly startTicks: number;
}

/** The identity of whatever lives under this pid now; null when nothing does, or only a zombie. */
export function identityOf(pid: number): ProcessIdentity | null {
  const row = readProcess(pid);
  return row === null || isGone(row) ? null : { bootId: bootId(), pid, startTicks: row.startTicks };
}

export function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId;
}

/** True while this very process runs; a zombie, a stranger under the same pid and anything from before a reboot is not it. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const row = readProcess(identity.pid);
  return row !== null && row.startTicks === identity.startTicks && !isGone(row);
}
