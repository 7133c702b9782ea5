import type { HostStats, Stats } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { humanCpu, humanDuration, humanSize } from './measures.js';
import { renderTable, type Column } from './table.js';

const table: readonly Column<Stats>[] = [
  { title: 'INSTANCE', cell: ({ instance }) => instance, style: () => 'bold' },
  { title: 'CPU', cell: ({ cpu }) => humanCpu(cpu), align: 'right' },
  { title: 'MEMORY', cell: ({ memoryBytes }) => humanSize(memoryBytes), align: 'right' },
  { title: 'FILES', cell: ({ openFiles }) => String(openFiles), align: 'right', narrow: 2 },
  { title: 'THREADS', cell: ({ threads }) => String(threads), align: 'right', narrow: 1 },
  { title: 'UPTIME', cell: ({ uptimeMs }) => humanDuration(uptimeMs), align: 'right', narrow: 3 },
];

/** What each instance uses, and the machine as a whole. */
export function renderStats(stats: readonly Stats[], host: HostStats, columns: number | null, paint: Paint): string[] {
  const machine = `Machine: ${host.cpu.toFixed(2)} of ${host.cores} cores, ${humanSize(host.memoryBytes)} of ${humanSize(host.memoryTotalBytes)} memory in use.`;
  return stats.length === 0 ? ['Nothing runs.', machine] : [...renderTable(table, stats, columns, paint), '', machine];
}
