import type { Change } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { renderTable, type Column } from './table.js';

const table: readonly Column<Change>[] = [
  { title: 'SERVICE', cell: ({ service }) => service, style: () => 'bold' },
  { title: 'CHANGE', cell: ({ action }) => cost(action) },
  { title: 'FIELDS', cell: ({ fields }) => fields.join(', '), narrow: 'cut' },
];

/** What changes, and what that costs a running service. */
export function renderChanges(changes: readonly Change[], columns: number | null, paint: Paint): string[] {
  return renderTable(table, changes, columns, paint);
}

function cost(action: Change['action']): string {
  switch (action) {
    case 'add':
      return 'added';
    case 'remove':
      return 'removed: stopped first';
    case 'live':
      return 'changed while it runs';
    case 'replace':
      return 'restarted';
    case 'none':
      return 'as it is';
  }
}
