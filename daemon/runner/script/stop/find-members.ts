import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRow } from '../../../../shared/process/process-row.js';
import { incarnationScans } from '../incarnation-scans.js';
import { loopShare } from '../loop-share.js';
import { membersOf, type TreeOwner } from './instance-tree.js';

const longestDoubtMs = 100;

/**
 * The living processes of an instance now. That there are none is said only when no process could yet turn out to be
 * one: while a program is being executed its environment cannot be read.
 */
export async function findMembers(owner: TreeOwner, spared: ReadonlySet<number>): Promise<ProcessRow[]> {
  const started = performance.now();
  for (let pauseMs = 1; ; pauseMs *= 2) {
    const snapshot = await incarnationScans.take();
    await loopShare();
    const rows = membersOf(owner, snapshot, spared);
    if (rows.length > 0 || !snapshot.isUndecided() || performance.now() - started > longestDoubtMs) return rows;
    await sleep(pauseMs);
  }
}
