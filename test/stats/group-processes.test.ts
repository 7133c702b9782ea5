import { describe, expect, it } from '@jest/globals';
import { groupProcesses } from '../../daemon/stats/group-processes.js';
import type { ProcessRow } from '../../shared/process/process-row.js';

function row(pid: number, parentPid: number, sessionId: number): ProcessRow {
  return {
    pid, parentPid, sessionId, groupId: sessionId, name: 'x', state: 'S', startTicks: 0, cpuTicks: 0, childCpuTicks: 0,
    threads: 1, residentBytes: 0, isKernelThread: false,
  };
}

const init = row(1, 0, 1);

/** The pids of each tree, by its main pid. */
function grouped(rows: ProcessRow[], trees: { pid: number; shimPid?: number }[]): Record<number, number[]> {
  return Object.fromEntries([...groupProcesses(rows, trees)].map(([tree, members]) => [tree.pid, members.map(({ pid }) => pid)]));
}

describe('the processes of an instance', () => {
  it('are all of its session but the shim, orphans included', () => {
    expect(grouped([init, row(10, 1, 10), row(11, 10, 10), row(12, 1, 10), row(20, 1, 20)], [{ pid: 11, shimPid: 10 }])).toEqual({ 11: [11, 12] });
  });

  it('are its descendants outside the session too, at any depth, in whatever order the table has them', () => {
    const rows = [row(5, 6, 5), row(6, 11, 6), init, row(10, 1, 10), row(11, 10, 10), row(7, 5, 5)];
    expect(grouped(rows, [{ pid: 11, shimPid: 10 }])).toEqual({ 11: [5, 6, 11, 7] });
  });

  it('are nobody who merely shares a session that somebody else leads', () => {
    expect(grouped([init, row(10, 1, 10), row(11, 10, 10), row(12, 10, 10)], [{ pid: 11 }])).toEqual({ 11: [11] });
  });

  it('are its own, though another instance is its ancestor', () => {
    const rows = [init, row(10, 1, 10), row(11, 10, 11), row(12, 11, 11)];
    expect(grouped(rows, [{ pid: 10 }, { pid: 11 }])).toEqual({ 10: [10], 11: [11, 12] });
  });

  it('are none when its main process is gone', () => {
    expect(grouped([init, row(10, 1, 10)], [{ pid: 11, shimPid: 10 }])).toEqual({});
  });

  it('are found though a reused pid makes two processes each other\'s parent', () => {
    expect(grouped([row(10, 11, 1), row(11, 10, 1), row(12, 1, 12)], [{ pid: 12 }])).toEqual({ 12: [12] });
  });
});
