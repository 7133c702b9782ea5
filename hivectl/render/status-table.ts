import type { Service, Stats } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { humanCpu, humanDuration, humanSize } from './measures.js';
import { healthWord, stateStyle } from './state-style.js';
import { renderTable, type Column } from './table.js';
import { count } from './text.js';

interface Row {
  readonly service: Service;
  readonly usage: { cpu: number; memoryBytes: number } | null;
  readonly uptimeMs: number | null;
}

/** One row a service; below it one sentence about those that need somebody. */
export function renderStatus(
  services: readonly Service[],
  stats: readonly Stats[],
  view: { readonly now: number; readonly columns: number | null; readonly paint: Paint },
): string[] {
  if (services.length === 0) return ['No services. In a folder with .adi/hive.yaml, `hivectl up` starts what it describes.'];
  const usage = usageByService(stats);
  const rows = services.map((service): Row => ({
    service,
    usage: usage.get(service.fqn) ?? null,
    uptimeMs: service.state === 'running' && service.startedAt !== null ? view.now - Date.parse(service.startedAt) : null,
  }));
  return renderTable(table, rows, view.columns, view.paint);
}

const table: readonly Column<Row>[] = [
  { title: 'SERVICE', cell: ({ service }) => service.fqn, style: () => 'bold' },
  { title: 'STATE', cell: ({ service }) => service.state, style: ({ service }) => stateStyle(service.state, service.healthy) },
  { title: 'HEALTH', cell: ({ service }) => healthWord(service.healthy), style: ({ service }) => (service.healthy === false ? 'red' : 'green'), narrow: 7 },
  { title: 'INSTANCES', cell: ({ service }) => instancesCell(service), align: 'right', narrow: 2 },
  { title: 'NODES', cell: ({ service }) => nodesCell(service), narrow: 5 },
  { title: 'PORTS', cell: ({ service }) => portsCell(service), narrow: 4 },
  { title: 'CPU', cell: ({ usage }) => (usage === null ? '' : humanCpu(usage.cpu)), align: 'right', narrow: 5 },
  { title: 'MEMORY', cell: ({ usage }) => (usage === null ? '' : humanSize(usage.memoryBytes)), align: 'right', narrow: 6 },
  { title: 'UPTIME', cell: ({ uptimeMs }) => (uptimeMs === null ? '' : humanDuration(uptimeMs)), align: 'right', narrow: 3 },
  { title: 'RESTARTS', cell: ({ service }) => String(service.restarts), align: 'right', narrow: 1 },
  { title: 'REASON', cell: ({ service }) => reasonCell(service), narrow: 'cut' },
];

/** Running out of all, once there is more than one or one is missing. */
function instancesCell(service: Service): string {
  const total = service.instances.length;
  if (total === 0) return '';
  return `${service.instances.filter(({ state }) => state === 'running').length}/${total}`;
}

/** How many instances are on which machine of a cluster: `alpha 2, beta 2`. */
function nodesCell({ instances }: Service): string {
  const counts = new Map<string, number>();
  for (const { node, state } of instances) if (node !== undefined && state === 'running') counts.set(node, (counts.get(node) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => one.localeCompare(other)).map(([node, number]) => `${node} ${number}`).join(', ');
}

/** The service's ports, or those of its instances where each has its own. */
function portsCell(service: Service): string {
  // On other machines, a number alone says nothing.
  if (service.instances.some(({ node }) => node !== undefined)) return '';
  const names = Object.keys(service.ports);
  const ports = names.length > 0 ? [service.ports] : service.instances.map((instance) => instance.ports);
  const written = ports.flatMap((each) => Object.entries(each).map(([name, port]) => (names.length === 1 ? String(port) : `${name}:${port}`)));
  return written.length > 4 ? `${written.slice(0, 3).join(' ')} +${written.length - 3}` : written.join(' ');
}

/** Why: for what does not simply run; else how a deploy gets on, or that the last one failed. */
function reasonCell(service: Service): string {
  if (service.state !== 'running' || service.healthy === false) return service.reason;
  const { phase } = service.rollout;
  return phase === undefined ? '' : phase.startsWith('failed') ? `deploy ${phase}` : `deploy: ${phase}`;
}

function usageByService(stats: readonly Stats[]): Map<string, { cpu: number; memoryBytes: number }> {
  const sums = new Map<string, { cpu: number; memoryBytes: number }>();
  for (const { fqn, cpu, memoryBytes } of stats) {
    const sum = sums.get(fqn) ?? { cpu: 0, memoryBytes: 0 };
    sums.set(fqn, { cpu: sum.cpu + cpu, memoryBytes: sum.memoryBytes + memoryBytes });
  }
  return sums;
}

/** `12 services: 10 running, 1 backoff, 1 stopped`. */
export function summary(services: readonly Service[]): string {
  const byState = new Map<string, number>();
  for (const { state } of services) byState.set(state, (byState.get(state) ?? 0) + 1);
  return `${count(services.length, 'service')}: ${[...byState].map(([state, number]) => `${number} ${state}`).join(', ')}`;
}
