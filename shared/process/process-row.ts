import { pageBytes } from './machine.js';

/** One process as /proc/<pid>/stat shows it. */
export interface ProcessRow {
  readonly pid: number;
  /** At most 15 characters; the program may have changed it. */
  readonly name: string;
  /** One letter: R running, S sleeping, D uninterruptible, T stopped, Z zombie, X dead. */
  readonly state: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  /** Ticks since boot; together with pid and boot id it names a process for good. */
  readonly startTicks: number;
  /** User and system time together, in ticks. */
  readonly cpuTicks: number;
  /** The same of all children that ended and were waited for, and of theirs, in ticks. */
  readonly childCpuTicks: number;
  readonly threads: number;
  readonly residentBytes: number;
  readonly isKernelThread: boolean;
}

const kernelThreadFlag = 0x00200000;

/** Reads the text of /proc/<pid>/stat; null when it is none. The name may itself contain spaces and parentheses. */
export function parseProcessRow(text: string): ProcessRow | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return null;
  const fields = text.slice(close + 2).split(' ', 22);
  if (fields.length < 22) return null;
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parentPid: Number(fields[1]),
    groupId: Number(fields[2]),
    sessionId: Number(fields[3]),
    startTicks: Number(fields[19]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    childCpuTicks: Number(fields[13]) + Number(fields[14]),
    threads: Number(fields[17]),
    residentBytes: Number(fields[21]) * pageBytes,
    isKernelThread: (Number(fields[6]) & kernelThreadFlag) !== 0,
  };
}

/** A zombie only waits for its parent: it runs no code and holds nothing but its pid. */
export function isGone(row: ProcessRow): boolean {
  return row.state === 'Z' || row.state === 'X' || row.state === 'x';
}
