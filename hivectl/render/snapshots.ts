import type { Paint } from '../terminal.js';
import { humanSize, humanTime } from './measures.js';
import { renderTable, type Column } from './table.js';
import { count, printable } from './text.js';

/** What the backup plugin answers to `list`, `create`, `verify` and `restore` (docs/backup.md). */
export interface SnapshotList {
  readonly place: string;
  readonly snapshots: readonly ListedSnapshot[];
}

export interface ListedSnapshot {
  readonly id: string;
  readonly createdAt: string;
  readonly bytes: number;
  readonly verified: boolean;
  readonly encrypted: boolean;
  readonly reason: string | null;
  readonly host: string | null;
  readonly sources: readonly string[];
  readonly services: number | null;
  readonly missing: number;
  readonly problem: string | null;
}

export interface CreatedSnapshot {
  readonly id: string;
  readonly encrypted: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly sources: number;
  readonly services: number;
  readonly missing: readonly string[];
  readonly removed: readonly string[];
}

export interface VerifiedSnapshot { readonly id: string; readonly files: number; readonly bytes: number }

export interface RestoreAnswer {
  readonly snapshot: string;
  readonly createdAt: string;
  readonly host: string;
  readonly hive: string;
  readonly only: string | null;
  readonly steps: readonly string[];
  readonly unchanged: readonly string[];
  readonly remarks: readonly string[];
  readonly outcome: { readonly done: readonly string[]; readonly failed: readonly { step: string; problem: string; next: string | null }[]; readonly kept: readonly string[] } | null;
}

const table: readonly Column<ListedSnapshot>[] = [
  { title: 'SNAPSHOT', cell: ({ id }) => id, style: () => 'bold' },
  { title: 'TIME', cell: ({ createdAt }) => humanTime(createdAt, new Date()).replace(/\.\d+$/, ''), narrow: 3 },
  { title: 'WHY', cell: ({ reason }) => reason ?? '', narrow: 5 },
  { title: 'HOST', cell: ({ host }) => host ?? '', narrow: 1 },
  { title: 'SERVICES', cell: ({ services }) => (services === null ? '' : String(services)), align: 'right', narrow: 4 },
  { title: 'SIZE', cell: ({ bytes }) => humanSize(bytes), align: 'right', narrow: 6 },
  { title: 'ENCRYPTED', cell: ({ encrypted }) => (encrypted ? 'yes' : 'no'), narrow: 2 },
  { title: 'VERIFIED', cell: ({ verified }) => (verified ? 'yes' : 'no'), style: ({ verified }) => (verified ? 'green' : 'yellow') },
  { title: 'PROBLEM', cell: ({ problem, missing }) => problem ?? (missing > 0 ? `${count(missing, 'thing')} could not be read when it was made` : ''), narrow: 'cut', style: () => 'red' },
];

/** One row a snapshot. */
export function renderSnapshots({ place, snapshots }: SnapshotList, columns: number | null, paint: Paint): string[] {
  if (snapshots.length === 0) return [`There is no snapshot in ${printable(place)}.`];
  return [...renderTable(table, snapshots, columns, paint), paint('dim', `${count(snapshots.length, 'snapshot')} in ${printable(place)}`)];
}

export function renderCreated({ id, encrypted, services, sources, files, bytes, missing, removed }: CreatedSnapshot, paint: Paint): string[] {
  return [
    `Snapshot ${paint('bold', id)}: ${count(services, 'service')} of ${count(sources, 'source')}, ${count(files, 'file')}, ${humanSize(bytes)}, ${encrypted ? 'encrypted' : 'not encrypted'}, restored to scratch and compared.`,
    ...missing.map((sentence) => paint('yellow', `Not in it: ${printable(sentence)}`)),
    ...(removed.length === 0 ? [] : [`${count(removed.length, 'older snapshot')} removed, as plugins.backup.keep says.`]),
  ];
}

/** The plan, or what became of it. */
export function renderRestore({ snapshot, createdAt, host, hive, only, steps, unchanged, remarks, outcome }: RestoreAnswer, paint: Paint): string[] {
  const head = `Snapshot ${paint('bold', snapshot)} of ${printable(host)}, ${humanTime(createdAt, new Date()).replace(/\.\d+$/, '')}, by Hive ${printable(hive)}${only === null ? '' : `: only ${printable(only)}`}`;
  const notes = remarks.map((remark) => paint('yellow', `Note: ${printable(remark)}`));
  if (outcome === null) {
    const body = steps.length === 0 ? ['  nothing has to be done: everything is as it was backed up'] : steps.map((step, index) => `  ${index + 1}. ${printable(step)}`);
    return [head, ...body, ...unchanged.map((what) => paint('dim', `  as it was: ${printable(what)}`)), ...notes];
  }
  return [
    head,
    ...outcome.done.map((step) => `  ${paint('green', 'done')}    ${printable(step)}`),
    ...outcome.failed.flatMap(({ step, problem, next }) => [`  ${paint('red', 'failed')}  ${printable(step)}`, `          ${printable(problem)}`, ...(next === null ? [] : [`          ${printable(next)}`])]),
    ...notes,
    ...(outcome.kept.length === 0 ? [] : ['What was there before is kept as:', ...outcome.kept.map((path) => `  ${printable(path)}`)]),
    ...(outcome.done.length + outcome.failed.length === 0 ? ['Nothing had to be done: everything is as it was backed up.'] : []),
  ];
}
