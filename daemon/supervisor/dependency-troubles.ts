import type { EventRef, StateStore } from '../state/state-store.js';

/** A dependency that failed after the service had come up, as the service was told. */
export interface DependencyTrouble {
  /** `inherited`: the dependency itself runs well, but lacks something that it depends on. */
  readonly kind: 'own' | 'inherited';
  /** Full name of the service at the bottom of it. */
  readonly root: string;
  /** For people, without a full stop: `db, which it depends on, is unhealthy`. */
  readonly sentence: string;
  /** The `service.dependencyFailed` that told it. */
  readonly told: EventRef;
}

/** SQL of this part of state.db. */
export const dependencyTables = `
  -- What services were told of their dependencies and is not over; data is a DependencyTrouble as JSON.
  CREATE TABLE dependency_troubles (service TEXT NOT NULL, dependency TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (service, dependency)) STRICT;
`;

/** The table `dependency_troubles`, and the same in memory: by service, and there by dependency. */
export class DependencyTroubles {
  private readonly troubles = new Map<string, Map<string, DependencyTrouble>>();

  constructor(private readonly store: StateStore) {
    const rows = store.db.prepare('SELECT service, dependency, data FROM dependency_troubles').all() as { service: string; dependency: string; data: string }[];
    for (const { service, dependency, data } of rows) this.put(service, dependency, JSON.parse(data) as DependencyTrouble);
  }

  of(service: string): ReadonlyMap<string, DependencyTrouble> {
    return this.troubles.get(service) ?? none;
  }

  services(): string[] {
    return [...this.troubles.keys()];
  }

  put(service: string, dependency: string, trouble: DependencyTrouble): void {
    const own = this.troubles.get(service) ?? new Map<string, DependencyTrouble>();
    this.troubles.set(service, own.set(dependency, trouble));
  }

  /** As `put`, for the next daemon too; to be called in or after the transaction that numbers `told`. */
  save(service: string, dependency: string, trouble: DependencyTrouble): void {
    this.store.db.prepare('INSERT INTO dependency_troubles VALUES (?, ?, ?) ON CONFLICT (service, dependency) DO UPDATE SET data = excluded.data').run(service, dependency, JSON.stringify(trouble));
  }

  take(service: string, dependency: string): void {
    const own = this.troubles.get(service);
    own?.delete(dependency);
    if (own?.size === 0) this.troubles.delete(service);
  }

  /** Inside a transaction, after `take`. */
  erase(service: string, dependency: string): void {
    this.store.db.prepare('DELETE FROM dependency_troubles WHERE service = ? AND dependency = ?').run(service, dependency);
  }

  forget(service: string): void {
    if (!this.troubles.delete(service)) return;
    void this.store.record((tx) => tx.db.prepare('DELETE FROM dependency_troubles WHERE service = ?').run(service));
  }
}

const none: ReadonlyMap<string, DependencyTrouble> = new Map();
