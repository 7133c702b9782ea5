import { readdirSync } from 'node:fs';
import { parseProcessRow, type ProcessRow } from './process-row.js';
import { readProc } from './read-proc.js';

/** The process with this pid right now, a zombie included; null when there is none. */
export function readProcess(pid: number): ProcessRow | null {
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : parseProcessRow(text);
}

/** Every process of the machine (of this pid namespace) by pid, in one pass of about 10 µs a process. */
export function readProcessTable(): Map<number, ProcessRow> {
  const table = new Map<number, ProcessRow>();
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first < 0x31 || first > 0x39) continue;
    const row = readProcess(Number(name));
    if (row !== null) table.set(row.pid, row);
  }
  return table;
}

/** The command line as people write it, or the name in brackets where there is none. At most `limit` characters. */
export function commandOf(row: { readonly pid: number; readonly name: string }, limit = 120): string {
  const line = readProc(`/proc/${row.pid}/cmdline`);
  if (line === null || line === '') return `[${row.name}]`;
  const text = Buffer.from(line, 'latin1').toString('utf8').replace(/\0+$/, '').replace(/[\0\s]+/g, ' ');
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
