import type Database from 'better-sqlite3';
import type { InstanceState } from '../reconciler/instance-state.js';
import type { RestartHistory } from '../reconciler/restart-policy.js';
import type { ExitResult } from '../runner/runner.js';

/** What outlives the daemon about an instance, beside its run folder. Monotonic times count only within `boot`. */
export interface InstanceRecord {
  readonly boot: string;
  readonly state: InstanceState;
  readonly history: RestartHistory;
  readonly restarts: number;
  readonly startedAt: string | null;
  readonly startedAtMs: number | null;
  /** `instanceHash` of the spec that the present run was launched with. */
  readonly runHash: string | null;
  readonly lastExit: { readonly exit: ExitResult; readonly at: string } | null;
}

/** The table `instances` of state.db; writes belong inside a transaction of the StateStore. */
export class InstanceRecords {
  private readonly upsert: Database.Statement;
  private readonly erase: Database.Statement;
  private readonly eraseAll: Database.Statement;

  constructor(private readonly db: Database.Database) {
    this.upsert = db.prepare('INSERT INTO instances (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data');
    this.erase = db.prepare('DELETE FROM instances WHERE id = ?');
    this.eraseAll = db.prepare('DELETE FROM instances WHERE substr(id, 1, ?) = ?');
  }

  save(id: string, record: InstanceRecord): void {
    this.upsert.run(id, JSON.stringify(record));
  }

  delete(id: string): void {
    this.erase.run(id);
  }

  /** Every instance of a service. */
  deleteAllOf(fqn: string): void {
    this.eraseAll.run(fqn.length + 1, `${fqn}#`);
  }

  all(): Map<string, InstanceRecord> {
    const rows = this.db.prepare('SELECT id, data FROM instances').all() as { id: string; data: string }[];
    return new Map(rows.map(({ id, data }) => [id, JSON.parse(data) as InstanceRecord]));
  }
}
