import type { StateStore } from '../state/state-store.js';
import type { Fingerprint } from './fingerprint.js';

/** What is remembered across daemons of what an incarnation was given: no values, but ports, which are no secret. */
export interface InjectionRecord {
  readonly incarnation: string;
  /** By alias. */
  readonly fingerprints: Readonly<Record<string, Fingerprint>>;
  readonly ports: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** SQL of this part of state.db. */
export const sharingTables = `
  -- What instances were given by what they use; data is an InjectionRecord as JSON.
  CREATE TABLE injections (instance TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;
`;

/** The table `injections`, and the same in memory. */
export class InjectionRecords {
  private readonly records: Map<string, InjectionRecord>;

  constructor(private readonly store: StateStore) {
    const rows = store.db.prepare('SELECT instance, data FROM injections').all() as { instance: string; data: string }[];
    this.records = new Map(rows.map(({ instance, data }) => [instance, JSON.parse(data) as InjectionRecord]));
  }

  get(instance: string): InjectionRecord | undefined {
    return this.records.get(instance);
  }

  /** Resolves when it is on disk. */
  async remember(instance: string, record: InjectionRecord): Promise<void> {
    this.records.set(instance, record);
    const data = JSON.stringify(record);
    await this.store.record((tx) => tx.db.prepare('INSERT INTO injections VALUES (?, ?) ON CONFLICT (instance) DO UPDATE SET data = excluded.data').run(instance, data));
  }

  forget(instance: string): void {
    if (!this.records.delete(instance)) return;
    void this.store.record((tx) => tx.db.prepare('DELETE FROM injections WHERE instance = ?').run(instance));
  }
}
