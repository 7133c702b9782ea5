import type { Revision } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { humanTime } from './measures.js';
import { renderTable } from './table.js';

/** One row a revision, newest first. */
export function renderRevisions(revisions: readonly Revision[], now: Date, columns: number | null, paint: Paint): string[] {
  return renderTable<Revision>(
    [
      { title: 'REVISION', cell: ({ revision }) => String(revision), align: 'right' },
      { title: 'TIME', cell: ({ time }) => humanTime(time, now) },
      { title: 'ACTION', cell: ({ action }) => action },
      { title: 'CONFIGURATION', cell: ({ config }) => (config === null || config === undefined ? '' : JSON.stringify(config)), narrow: 'cut' },
    ],
    revisions,
    columns,
    paint,
  );
}
