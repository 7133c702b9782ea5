import { readProcessTable } from '../../shared/process/proc-table.js';

/** Children of `pid`, and theirs, without those named and what these started. */
export function descendants(pid: number, without: readonly number[] = []): number[] {
  const table = readProcessTable();
  const children = new Map<number, number[]>();
  for (const row of table.values()) {
    const siblings = children.get(row.parentPid);
    if (siblings === undefined) children.set(row.parentPid, [row.pid]);
    else siblings.push(row.pid);
  }
  const left = new Set(without);
  const found: number[] = [];
  const visit = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      if (left.has(child)) continue;
      found.push(child);
      visit(child);
    }
  };
  visit(pid);
  return found;
}
