import type { Plugin } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { humanCpu, humanSize } from './measures.js';
import { pluginStateStyle } from './state-style.js';
import { renderTable, type Column } from './table.js';
import { printable } from './text.js';

const table: readonly Column<Plugin>[] = [
  { title: 'PLUGIN', cell: ({ id }) => id, style: () => 'bold' },
  { title: 'VERSION', cell: ({ version }) => version ?? '', narrow: 2 },
  { title: 'KIND', cell: ({ kind }) => kind, narrow: 1 },
  { title: 'STATE', cell: ({ state }) => state, style: ({ state }) => pluginStateStyle(state) },
  { title: 'PID', cell: ({ pid }) => (pid === null ? '' : String(pid)), align: 'right', narrow: 5 },
  { title: 'CPU', cell: ({ cpu }) => (cpu === null ? '' : humanCpu(cpu)), align: 'right', narrow: 6 },
  { title: 'MEMORY', cell: ({ memoryBytes }) => (memoryBytes === null ? '' : humanSize(memoryBytes)), align: 'right', narrow: 7 },
  { title: 'RESTARTS', cell: ({ restarts }) => String(restarts), align: 'right', narrow: 4 },
  { title: 'LAG', cell: ({ lagEvents }) => (lagEvents === null ? '' : String(lagEvents)), align: 'right', narrow: 3 },
  { title: 'LAST ACK', cell: ({ lastAck }) => (lastAck === null ? '' : `#${lastAck}`), align: 'right', narrow: 2 },
  { title: 'REASON', cell: ({ reason }) => reason, narrow: 'cut' },
];

/** One row a plugin. */
export function renderPlugins(plugins: readonly Plugin[], columns: number | null, paint: Paint): string[] {
  return plugins.length === 0 ? ['No plugins.'] : renderTable(table, plugins, columns, paint);
}

/** Everything that is known about one plugin. */
export function renderPlugin(plugin: Plugin, paint: Paint): string[] {
  const facts: [string, string][] = [
    ['state', paint(pluginStateStyle(plugin.state), plugin.state)],
    ['reason', plugin.reason],
    ['version', plugin.version ?? 'not known before it is ready'],
    ['kind', plugin.kind],
    ['pid', plugin.pid === null ? '' : String(plugin.pid)],
    ['cpu', plugin.cpu === null ? '' : humanCpu(plugin.cpu)],
    ['memory', plugin.memoryBytes === null ? '' : humanSize(plugin.memoryBytes)],
    ['restarts', String(plugin.restarts)],
    ['event lag', plugin.lagEvents === null ? '' : `${plugin.lagEvents} events`],
    ['last event acknowledged', plugin.lastAck === null ? '' : `#${plugin.lastAck}`],
    ['grants', plugin.grants.join(', ')],
  ];
  return [paint('bold', printable(plugin.id)), ...facts.filter(([, value]) => value !== '').map(([name, value]) => `  ${name}: ${value}`)];
}
