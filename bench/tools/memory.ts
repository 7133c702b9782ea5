import { readFileSync } from 'node:fs';

/** Proportional set size of processes together, in MB (10^6 bytes): what is shared counts by parts. */
export function pssMegabytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + pssBytes(pid), 0) / 1e6;
}

function pssBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
