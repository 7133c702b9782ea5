import type Database from 'better-sqlite3';
import type { Transition } from './transition.js';

/** A transition that is under way, for the next daemon; it counts only within `boot`. */
export interface TransitionRecord {
  readonly boot: string;
  readonly transition: Transition;
}

export const hookTables = `
  -- The services and sources (source:*) between up and down, and how far their hooks have come; data is a TransitionRecord as JSON.
  CREATE TABLE transitions (key TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;
`;

/** The table `transitions` of state.db; writes belong inside a transaction of the StateStore. */
export class TransitionRecords {
  private readonly upsert: Database.Statement;
  private readonly erase: Database.Statement;
  private readonly left: Map<string, TransitionRecord>;

  constructor(db: Database.Database) {
    this.upsert = db.prepare('INSERT INTO transitions VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET data = excluded.data');
    this.erase = db.prepare('DELETE FROM transitions WHERE key = ?');
    const rows = db.prepare('SELECT key, data FROM transitions').all() as { key: string; data: string }[];
    this.left = new Map(rows.map(({ key, data }) => [key, JSON.parse(data) as TransitionRecord]));
  }

  /** What an earlier daemon left; asked for once. */
  take(key: string, boot: string): Transition | null {
    const record = this.left.get(key);
    this.left.delete(key);
    return record?.boot === boot ? record.transition : null;
  }

  save(key: string, record: TransitionRecord): void {
    this.upsert.run(key, JSON.stringify(record));
  }

  delete(key: string): void {
    this.left.delete(key);
    this.erase.run(key);
  }
}
