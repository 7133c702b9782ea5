import type { Change } from '../../shared/protocol/results.js';
import type { EventRef, PendingCause, Transaction } from '../state/state-store.js';

/** Writes an event for each service that came, changed or went. */
export function appendServiceEvents(tx: Transaction, source: string, changes: readonly Change[], cause: PendingCause): EventRef | null {
  let last: EventRef | null = null;
  for (const { service, action, fields } of changes) {
    switch (action) {
      case 'add':
        last = tx.append({ type: 'service.created', service, source }, cause);
        break;
      case 'remove':
        last = tx.append({ type: 'service.deleted', service }, cause);
        break;
      case 'live':
      case 'replace':
      case 'none':
        last = tx.append({ type: 'service.updated', service, fields }, cause);
        break;
    }
  }
  return last;
}

/** `source.changed` and, caused by it, what it means for each service. Answers the reference of the first. */
export function appendSourceChanged(tx: Transaction, source: string, revision: number, changes: readonly Change[], cause: PendingCause): EventRef {
  const changed = tx.append({ type: 'source.changed', source, revision, changes: changes.map(({ service, action, fields }) => ({ service, action, fields })) }, cause);
  appendServiceEvents(tx, source, changes, changed);
  return changed;
}
