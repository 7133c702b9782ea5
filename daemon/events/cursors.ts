import type Database from 'better-sqlite3';
import type { StateStore } from '../state/state-store.js';

/** Where named subscribers last acknowledged. Moves within one turn of the loop become one write. */
export class Cursors {
  private readonly seqs = new Map<string, number>();
  private readonly moved = new Map<string, number>();
  private readonly upsert: Database.Statement;

  constructor(private readonly store: StateStore) {
    const rows = store.db.prepare('SELECT name, seq FROM cursors').all() as { name: string; seq: number }[];
    for (const { name, seq } of rows) this.seqs.set(name, seq);
    this.upsert = store.db.prepare('INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, time = excluded.time');
  }

  /** The last acknowledged number; undefined for a name that never was heard. */
  get(name: string): number | undefined {
    return this.seqs.get(name);
  }

  move(name: string, seq: number): void {
    this.seqs.set(name, seq);
    const first = this.moved.size === 0;
    this.moved.set(name, seq);
    if (first) void this.store.record(() => this.write());
  }

  private write(): void {
    for (const [name, seq] of this.moved) this.upsert.run(name, seq, Date.now());
    this.moved.clear();
  }
}
