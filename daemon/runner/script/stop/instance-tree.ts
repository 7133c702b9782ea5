import { bootId } from '../../../../shared/process/machine.js';
import type { ProcessIdentity } from '../../../../shared/process/identity.js';
import type { ProcessSnapshot } from '../../../../shared/process/process-scans.js';
import { mayBeSignalled } from '../../../../shared/process/send-signal.js';
import { isGone, type ProcessRow } from '../../../../shared/process/process-row.js';

/** Whose processes are looked for. */
export interface TreeOwner {
  readonly incarnation: string;
  readonly main: ProcessIdentity | null;
  /** Start ticks by pid of what was found to belong to it before; `membersOf` adds to it. */
  readonly known: Map<number, number>;
}

/**
 * The living processes that belong to an instance, its main process first. One belongs when it is the main process, was
 * known to belong, carries the incarnation's marker, descends from one that belongs, or is in a session that was
 * opened by one. A number alone proves nothing: a session counts only while one that belongs is in it, which keeps the
 * kernel from giving its number to a stranger.
 * `spared` are sessions that are never entered: the daemon's own, and the launcher's with its shims.
 */
export function membersOf(owner: TreeOwner, snapshot: ProcessSnapshot, spared: ReadonlySet<number>): ProcessRow[] {
  const { table } = snapshot;
  const main = livingOrZombie(owner.main, snapshot);
  const members = new Set<ProcessRow>();
  const sessions = new Set<number>();
  const unfollowed: ProcessRow[] = [];

  const take = (row: ProcessRow): void => {
    if (!mayBeSignalled(row.pid) || members.has(row) || (row !== main && (row.isKernelThread || spared.has(row.sessionId)))) return;
    members.add(row);
    unfollowed.push(row);
  };

  if (main !== null) take(main);
  for (const [pid, startTicks] of owner.known) {
    const row = table.get(pid);
    if (row?.startTicks === startTicks) take(row);
  }
  snapshot.markedWith(owner.incarnation).forEach(take);
  for (let row = unfollowed.pop(); row !== undefined; row = unfollowed.pop()) {
    snapshot.childrenOf(row.pid).forEach(take);
    // Between its fork and `setsid` the main process is still in the launcher's session.
    if (sessions.has(row.sessionId) || (row === main && row.sessionId !== row.pid)) continue;
    sessions.add(row.sessionId);
    snapshot.inSession(row.sessionId).forEach(take);
  }

  const living = [...members].filter((row) => !isGone(row));
  for (const row of living) owner.known.set(row.pid, row.startTicks);
  return living;
}

/** A zombie keeps its pid, and with it its session's number, from being given to a stranger. */
function livingOrZombie(identity: ProcessIdentity | null, { table }: ProcessSnapshot): ProcessRow | null {
  if (identity === null || identity.bootId !== bootId()) return null;
  const row = table.get(identity.pid);
  return row?.startTicks === identity.startTicks ? row : null;
}

export function identityOfRow(row: ProcessRow): ProcessIdentity {
  return { bootId: bootId(), pid: row.pid, startTicks: row.startTicks };
}
