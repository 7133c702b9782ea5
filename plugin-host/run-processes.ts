import { environmentMarker } from '../shared/process/environment-marker.js';
import { isAlive, type ProcessIdentity } from '../shared/process/identity.js';
import { bootId } from '../shared/process/machine.js';
import { isGone, type ProcessRow } from '../shared/process/process-row.js';
import { readProcessTable } from '../shared/process/proc-table.js';
import { signalProcess } from '../shared/process/send-signal.js';

/** The variable that marks everything that a run of a plugin starts, wherever in the process tree it hides. */
export const runTag = 'HIVE_PLUGIN_RUN';

/** A living process that belongs to some run of a plugin of this home. */
export interface TaggedProcess extends ProcessIdentity { readonly run: string }

/** Every process that plugins of this home started and that still lives, plugins themselves included. */
export function taggedProcesses(home: string): TaggedProcess[] {
  const found: TaggedProcess[] = [];
  for (const row of livingRows()) {
    const run = environmentMarker(row.pid, runTag);
    if (run !== null && environmentMarker(row.pid, 'HIVE_HOME') === home) found.push({ ...identityIn(row), run });
  }
  return found;
}

/**
 * Kills what a run left behind once its process has gone: members of the group it led, and whatever carries its tag in a
 * session of its own. To be called when the process has just ended: as long as the group has members, the kernel gives its
 * number to nobody else.
 */
export function killLeftovers(run: { readonly pid: number; readonly run: string }): void {
  for (const row of livingRows()) {
    const isMember = row.groupId === run.pid && row.sessionId === run.pid;
    if (isMember || environmentMarker(row.pid, runTag) === run.run) signalProcess(identityIn(row), 'SIGKILL');
  }
}

/** Kills a whole run whose process may still live. Members of a group whose leader is gone are found by their tag alone. */
export function killRun(run: ProcessIdentity & { readonly run: string }): void {
  if (isAlive(run)) killLeftovers(run);
  else for (const row of livingRows()) if (environmentMarker(row.pid, runTag) === run.run) signalProcess(identityIn(row), 'SIGKILL');
}

function livingRows(): ProcessRow[] {
  return [...readProcessTable().values()].filter((row) => !isGone(row) && !row.isKernelThread && row.pid !== process.pid);
}

function identityIn(row: ProcessRow): ProcessIdentity {
  return { bootId: bootId(), pid: row.pid, startTicks: row.startTicks };
}
