import type Database from 'better-sqlite3';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { RolloutPlan } from './rollout-plan.js';

/** Where the last rollout of a service stands; a daemon that comes up goes on from here. */
export interface RolloutRecord {
  readonly plan: RolloutPlan;
  /** The step that is being done, or at which it failed. */
  readonly at: number;
  readonly outcome: 'running' | 'finished' | 'failed' | 'cancelled';
  /** Why it failed. */
  readonly why: string | null;
  /** Which instances get requests, and are what a daemon that comes up looks for. */
  readonly serving: readonly number[];
  /** The spec hash that is rolled out. */
  readonly specHash: string;
  /** What the instances of before were started with; kept until none of them is left. */
  readonly before: ServiceSpec | null;
}

/** The table `rollouts` of state.db; writes belong inside a transaction of the StateStore. */
export class RolloutRecords {
  private readonly upsert: Database.Statement;
  private readonly erase: Database.Statement;
  private readonly rows: Map<string, RolloutRecord>;

  constructor(db: Database.Database) {
    this.upsert = db.prepare('INSERT INTO rollouts VALUES (?, ?) ON CONFLICT (fqn) DO UPDATE SET data = excluded.data');
    this.erase = db.prepare('DELETE FROM rollouts WHERE fqn = ?');
    const rows = db.prepare('SELECT fqn, data FROM rollouts').all() as { fqn: string; data: string }[];
    this.rows = new Map(rows.map(({ fqn, data }) => [fqn, JSON.parse(data) as RolloutRecord]));
  }

  get(fqn: string): RolloutRecord | undefined {
    return this.rows.get(fqn);
  }

  save(fqn: string, record: RolloutRecord): void {
    this.rows.set(fqn, record);
    this.upsert.run(fqn, JSON.stringify(record));
  }

  delete(fqn: string): void {
    this.rows.delete(fqn);
    this.erase.run(fqn);
  }
}
