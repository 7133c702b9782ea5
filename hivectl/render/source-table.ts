import type { Source } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { renderProblems } from './problems.js';
import { renderTable, type Column } from './table.js';

const table: readonly Column<Source>[] = [
  { title: 'SOURCE', cell: ({ name }) => name, style: () => 'bold' },
  { title: 'KIND', cell: ({ kind }) => kind, narrow: 2 },
  {
    title: 'STATUS',
    cell: ({ status }) => status,
    style: ({ status }) => (status === 'loaded' ? 'green' : status === 'error' ? 'red' : 'dim'),
  },
  { title: 'SERVICES', cell: ({ services }) => String(services), align: 'right' },
  { title: 'REVISION', cell: ({ revision }) => String(revision), align: 'right', narrow: 1 },
  { title: 'PATH', cell: ({ path }) => path, narrow: 'cut' },
];

/** All sources, and below them the problems of those that could not be loaded. */
export function renderSources(sources: readonly Source[], columns: number | null, paint: Paint): string[] {
  if (sources.length === 0) return ['No sources. `hivectl source add <folder>` registers one.'];
  const broken = sources.filter(({ problems }) => problems.length > 0);
  return [
    ...renderTable(table, sources, columns, paint),
    ...broken.flatMap(({ name, problems }) => ['', `Source ${name} has problems:`, ...renderProblems(problems, paint)]),
  ];
}
