import { readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { readProcess } from '../../shared/process/proc-table.js';
import type { ProcessRow } from '../../shared/process/process-row.js';

/** The event loop is not held up for longer at a time: other callers wait. */
const longestStretchMs = 4;

/** Lets the event loop run whenever the work since the last time took `longestStretchMs`. */
export function breather(): () => Promise<void> | undefined {
  let sinceMs = performance.now();
  return () => {
    if (performance.now() - sinceMs < longestStretchMs) return undefined;
    return setImmediate().then(() => {
      sinceMs = performance.now();
    });
  };
}

/** Every process of the machine but kernel threads, in one pass that leaves the event loop room. */
export async function readProcesses(): Promise<ProcessRow[]> {
  const breathe = breather();
  const rows: ProcessRow[] = [];
  for (const name of await readdir('/proc')) {
    const first = name.charCodeAt(0);
    if (first < 0x31 || first > 0x39) continue;
    const row = readProcess(Number(name));
    if (row !== null && !row.isKernelThread) rows.push(row);
    await breathe();
  }
  return rows;
}
