import type Database from 'better-sqlite3';
import { globMatches } from '../../shared/protocol/grants.js';
import type { CommittedEvent, StateStore } from '../state/state-store.js';

/** Which events a reader wants: type names or `service.*`, service names or globs. Absent: all. */
export interface EventFilter {
  readonly types?: readonly string[];
  readonly services?: readonly string[];
}

export function matches(event: Pick<CommittedEvent, 'type' | 'service'>, filter: EventFilter): boolean {
  if (filter.types !== undefined && !filter.types.some((type) => globMatches(type, event.type))) return false;
  return filter.services === undefined || (event.service !== null && filter.services.some((glob) => globMatches(glob, event.service as string)));
}

/** How many of the newest events are kept in memory, so that live subscribers cost no query each. */
const recentKept = 2_048;

/** Reads the journal in order: the newest events from memory, older ones from state.db. */
export class JournalReader {
  private recent: CommittedEvent[] = [];
  private readonly page: Database.Statement;
  private readonly oldestRow: Database.Statement;
  private readonly newest: Database.Statement;
  private readonly firstSince: Database.Statement;

  constructor(private readonly store: StateStore) {
    this.page = store.db.prepare('SELECT seq, type, service, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    this.oldestRow = store.db.prepare('SELECT min(seq) FROM events').pluck();
    this.newest = store.db.prepare('SELECT seq, type, service, body FROM events WHERE seq > ? ORDER BY seq DESC');
    this.firstSince = store.db.prepare('SELECT min(seq) FROM events WHERE time >= ?').pluck();
    store.onCommitted((events) => {
      if (events.length === 0) return;
      this.recent.push(...events);
      if (this.recent.length > 2 * recentKept) this.recent = this.recent.slice(-recentKept);
    });
  }

  /** The events after `seq`, at most `limit`. */
  after(seq: number, limit: number): CommittedEvent[] {
    const first = this.recent[0];
    if (first !== undefined && first.seq <= seq + 1) {
      const from = seq + 1 - first.seq;
      return this.recent.slice(from, from + limit);
    }
    return this.page.all(seq, limit) as CommittedEvent[];
  }

  /** The number before the oldest event that is still there; readers that are behind it have a gap. */
  forgottenThrough(): number {
    const oldest = this.oldestRow.get() as number | null;
    return oldest === null ? this.store.seq : oldest - 1;
  }

  /** The newest `limit` events that match, oldest first. `since`: after that number, or at and after that time. */
  list(filter: EventFilter, since: number | Date | undefined, limit: number): CommittedEvent[] {
    const after = since instanceof Date ? ((this.firstSince.get(since.getTime()) as number | null) ?? this.store.seq + 1) - 1 : since ?? 0;
    const found: CommittedEvent[] = [];
    for (const row of this.newest.iterate(after) as Iterable<CommittedEvent>) {
      if (!matches(row, filter)) continue;
      found.push(row);
      if (found.length === limit) break;
    }
    return found.reverse();
  }
}
