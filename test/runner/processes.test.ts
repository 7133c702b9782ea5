import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { membersOf, type TreeOwner } from '../../daemon/runner/script/stop/instance-tree.js';
import { packageRoot } from '../../shared/package-root.js';
import { environmentMarker, markerIfReadable } from '../../shared/process/environment-marker.js';
import { identityOf, isAlive, isSame } from '../../shared/process/identity.js';
import { bootId, dateOfTicks, pageBytes, ticksPerSecond } from '../../shared/process/machine.js';
import { commandOf, readProcess, readProcessTable } from '../../shared/process/proc-table.js';
import type { ProcessSnapshot } from '../../shared/process/process-scans.js';
import { parseProcessRow, type ProcessRow } from '../../shared/process/process-row.js';
import { until } from './testing-home.js';

describe('a process', () => {
  it('is read though its name holds spaces, parentheses and line breaks', () => {
    const fields = 'S 11 12 13 0 -1 4194560 0 0 0 0 5 6 7 8 20 0 3 0 777 1000 9';
    expect(parseProcessRow(`10 (a) S (b\n) ${fields} 18446744073709551615 0\n`)).toMatchObject({
      pid: 10, name: 'a) S (b\n', state: 'S', parentPid: 11, groupId: 12, sessionId: 13, startTicks: 777, cpuTicks: 11, threads: 3, residentBytes: 9 * pageBytes,
    });
    expect(parseProcessRow('')).toBeNull();
    expect(parseProcessRow('10 (cut of')).toBeNull();
  });

  it('is told from a zombie, from another start and from another boot', async () => {
    const child = spawn('/bin/sh', ['-c', 'sleep 0 & exec sleep 1000'], { stdio: 'ignore' });
    const identity = identityOf(child.pid ?? 0);
    if (identity === null) throw new Error('not there');
    expect(isAlive(identity)).toBe(true);
    expect(isSame(identity, { ...identity })).toBe(true);
    expect(isAlive({ ...identity, startTicks: identity.startTicks - 1 })).toBe(false);
    expect(isAlive({ ...identity, bootId: 'another' })).toBe(false);
    // `sleep` does not wait for the child that the shell left it.
    const zombie = await until('there is a zombie', () => [...readProcessTable().values()].find((row) => row.parentPid === child.pid && row.state === 'Z'));
    expect(isAlive({ bootId: bootId(), pid: zombie.pid, startTicks: zombie.startTicks })).toBe(false);
    expect(identityOf(zombie.pid)).toBeNull();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(isAlive(identity)).toBe(false);
    expect(readProcess(child.pid ?? 0)).toBeNull();
  });

  it('has a start that is a time of day', () => {
    const started = dateOfTicks(readProcess(process.pid)?.startTicks ?? 0).getTime();
    expect(Math.abs(started - (Date.now() - process.uptime() * 1000))).toBeLessThan(1_000);
    expect(ticksPerSecond).toBe(100);
  });

  it('shows its command and its marker', async () => {
    const environment = { FIRST: 'x'.repeat(60_000), NOT_HIVE_MARK: 'no', HIVE_MARK: 'this one', LAST: 'y' };
    const child = spawn('/bin/sleep', ['1000'], { env: environment, stdio: 'ignore' });
    const pid = child.pid ?? 0;
    await until('it is executed', () => commandOf({ pid, name: '' }) === '/bin/sleep 1000');
    expect(environmentMarker(pid, 'HIVE_MARK')).toBe('this one');
    expect(environmentMarker(pid, 'MARK')).toBeNull();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(environmentMarker(pid, 'HIVE_MARK')).toBeNull();
    expect(markerIfReadable(pid, 'HIVE_MARK')).toBeUndefined();
    expect(markerIfReadable(process.pid, 'HIVE_MARK')).toBeNull();
  });
});

describe('the table of processes', () => {
  it('holds this process and its parent, and is read quickly', () => {
    const started = performance.now();
    const table = readProcessTable();
    console.log(`${table.size} processes: ${(performance.now() - started).toFixed(1)} ms`);
    expect(table.get(process.pid)).toMatchObject({ pid: process.pid, parentPid: process.ppid });
    expect(table.has(process.ppid)).toBe(true);
  });
});

describe('the package root', () => {
  it('is the folder of this package', () => {
    expect(existsSync(path.join(packageRoot(), 'daemon/runner/script/launcher.sh'))).toBe(true);
  });
});

describe('who belongs to an instance', () => {
  const row = (pid: number, parentPid: number, sessionId: number, over: Partial<ProcessRow> = {}): ProcessRow => ({
    pid, parentPid, sessionId, name: `p${pid}`, state: 'S', groupId: sessionId, startTicks: 1000 + pid, cpuTicks: 0, childCpuTicks: 0, threads: 1, residentBytes: 0, isKernelThread: false, ...over,
  });
  const snapshot = (rows: ProcessRow[], marked: readonly number[] = []): ProcessSnapshot => ({
    table: new Map(rows.map((one) => [one.pid, one])),
    inSession: (id) => rows.filter((one) => one.sessionId === id),
    childrenOf: (pid) => rows.filter((one) => one.parentPid === pid),
    markedWith: (marker) => (marker === 'inc' ? rows.filter((one) => marked.includes(one.pid)) : []),
    isUndecided: () => false,
  });
  const owner = (pid: number | null): TreeOwner => ({ incarnation: 'inc', main: pid === null ? null : { bootId: bootId(), pid, startTicks: 1000 + pid }, known: new Map() });
  const pids = (found: readonly ProcessRow[]): number[] => found.map(({ pid }) => pid).sort((a, b) => a - b);
  const daemon = new Set([5]);

  it('follows children, sessions and markers, from one to the next', () => {
    const rows = [row(20, 10, 20), row(21, 20, 20), row(22, 1, 20), row(30, 21, 30), row(31, 1, 30), row(40, 1, 40), row(41, 40, 41), row(99, 1, 99)];
    expect(pids(membersOf(owner(20), snapshot(rows, [40]), daemon))).toEqual([20, 21, 22, 30, 31, 40, 41]);
  });

  it('leaves out a stranger under the main process’s pid, with all that is his', () => {
    const rows = [row(20, 1, 20, { startTicks: 9999 }), row(21, 20, 20), row(40, 1, 40)];
    expect(pids(membersOf(owner(20), snapshot(rows, [40]), daemon))).toEqual([40]);
  });

  it('still knows the session while one that was known is in it, and no longer', () => {
    const known = owner(20);
    expect(pids(membersOf(known, snapshot([row(20, 1, 20), row(21, 20, 20)]), daemon))).toEqual([20, 21]);
    expect(pids(membersOf(known, snapshot([row(21, 1, 20), row(22, 1, 20)]), daemon))).toEqual([21, 22]);
    expect(pids(membersOf(owner(20), snapshot([row(23, 1, 20)]), daemon))).toEqual([]);
  });

  it('never takes the daemon or its session, though it was started from within a service', () => {
    const rows = [row(20, 1, 20), row(5, 20, 5), row(6, 5, 5), row(7, 6, 7)];
    expect(pids(membersOf(owner(20), snapshot(rows, [5, 6]), daemon))).toEqual([20]);
  });

  it('takes no shim for a main process that has not left the launcher’s session yet', () => {
    const rows = [row(20, 12, 10), row(12, 10, 10), row(10, 1, 10)];
    expect(pids(membersOf(owner(20), snapshot(rows), daemon))).toEqual([20]);
  });

  it('counts a zombie as gone, but still as the holder of its session', () => {
    const rows = [row(20, 12, 20, { state: 'Z' }), row(21, 1, 20)];
    expect(pids(membersOf(owner(20), snapshot(rows), daemon))).toEqual([21]);
  });
});
