import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRow } from '../../../../shared/process/process-row.js';
import { isAlive } from '../../../../shared/process/identity.js';
import { incarnationLedger, incarnationScans } from '../incarnation-scans.js';
import { loopShare } from '../loop-share.js';
import { membersOf, type TreeOwner } from './instance-tree.js';

const longestDoubtMs = 100;

/**
 * The living processes of an instance now. That there are none is said only when no process could yet turn out to be
 * one: while a program is being executed its environment cannot be read. `others`: pids of other living instances.
 */
export async function findMembers(owner: TreeOwner, spared: ReadonlySet<number>, others: () => ReadonlySet<number>): Promise<ProcessRow[]> {
  if (owner.main !== null && owner.known.size === 0 && !isAlive(owner.main)) {
    await loopShare();
    if (incarnationLedger.isNobodyLeft(owner.incarnation, owner.main.pid, others())) return [];
  }
  const started = performance.now();
  for (let pauseMs = 1; ; pauseMs *= 2) {
    const snapshot = await incarnationScans.take();
    await loopShare();
    const rows = membersOf(owner, snapshot, spared);
    if (rows.length > 0 || !snapshot.isUndecided() || performance.now() - started > longestDoubtMs) return rows;
    await sleep(pauseMs);
  }
}
