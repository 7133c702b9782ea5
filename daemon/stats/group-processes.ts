import type { ProcessRow } from '../../shared/process/process-row.js';

/** A running instance, as the runner knows it. */
export interface ProcessTree {
  /** Its main process. */
  readonly pid: number;
  /** The process that keeps its record: part of Hive, not of the instance. */
  readonly shimPid?: number;
}

/**
 * The living processes of each instance: everybody in its session, and the descendants of those who have left it. An
 * instance whose main process is gone has none. What has left the session and lost its parents too is not found.
 */
export function groupProcesses<T extends ProcessTree>(rows: readonly ProcessRow[], trees: readonly T[]): Map<T, ProcessRow[]> {
  const byPid = new Map<number, ProcessRow>();
  for (const row of rows) byPid.set(row.pid, row);
  const treeOfPid = new Map<number, T | null>();
  const treeOfSession = new Map<number, T>();
  const groups = new Map<T, ProcessRow[]>();
  for (const tree of trees) {
    const main = byPid.get(tree.pid);
    if (main === undefined) continue;
    groups.set(tree, []);
    treeOfPid.set(tree.pid, tree);
    // A session that somebody else leads holds more than this instance.
    if (main.sessionId === tree.pid || main.sessionId === tree.shimPid) treeOfSession.set(main.sessionId, tree);
    if (tree.shimPid !== undefined) treeOfPid.set(tree.shimPid, null);
  }

  const treeOf = (row: ProcessRow): T | null => {
    const known = treeOfPid.get(row.pid);
    if (known !== undefined) return known;
    // Set first, so that a pid reused while the table was read cannot make this a circle.
    treeOfPid.set(row.pid, null);
    const parent = byPid.get(row.parentPid);
    const tree = treeOfSession.get(row.sessionId) ?? (parent === undefined ? null : treeOf(parent));
    treeOfPid.set(row.pid, tree);
    return tree;
  };
  for (const row of rows) {
    const tree = treeOf(row);
    if (tree !== null) groups.get(tree)?.push(row);
  }
  return groups;
}
