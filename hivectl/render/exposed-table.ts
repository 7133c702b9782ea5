import type { Result } from '../../shared/protocol/methods.js';
import type { Paint } from '../terminal.js';
import { stateStyle } from './state-style.js';
import { renderTable, type Column } from './table.js';

export type ExposedService = Result<'exposed.list'>['exposed'][number];

const columns: readonly Column<ExposedService>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'SERVICE', cell: ({ service }) => service },
  { title: 'STATE', cell: stateCell, style: ({ state, healthy }) => stateStyle(state, healthy) },
  { title: 'SECRET', cell: ({ needsSecret }) => (needsSecret ? 'yes' : 'no'), narrow: 1 },
  { title: 'VARIABLES', cell: ({ variables }) => variables.join(' '), narrow: 'cut' },
  { title: 'PORTS', cell: ({ ports }) => ports.join(' '), narrow: 2 },
  { title: 'USED BY', cell: ({ consumers }) => consumers.join(' '), narrow: 'cut' },
];

/** One row a name; names of variables and ports, never values. */
export function renderExposed(exposed: readonly ExposedService[], width: number | null, paint: Paint): string[] {
  if (exposed.length === 0) return ['No service shares anything. Give one an `expose` in hive.yaml: docs/sharing.md.'];
  return renderTable(columns, exposed, width, paint);
}

function stateCell({ state, healthy }: ExposedService): string {
  if (state !== 'running' || healthy === null) return state;
  return healthy ? 'healthy' : 'unhealthy';
}
