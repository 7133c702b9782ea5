import type Database from 'better-sqlite3';
import type { Transaction } from '../state/state-store.js';
import { bootId } from './monotonic-clock.js';

export type Wanted = 'up' | 'down';

interface IntentRow {
  wanted: Wanted;
  boot: string;
}

/**
 * What the operator wants, by service and by source (`source:*`). The word about a service outranks the one about its
 * source; where nobody has said anything, the default source is wanted up and every other down.
 *
 * Written by requests before they are acknowledged, and where state.db was lost, by what is found alive. The reconciler
 * reads it and never writes it.
 */
export class Intents {
  private readonly rows: Map<string, IntentRow>;
  private readonly scales: Map<string, number>;

  constructor(db: Database.Database) {
    const rows = db.prepare('SELECT fqn, wanted, boot FROM intents').all() as ({ fqn: string } & IntentRow)[];
    this.rows = new Map(rows.map(({ fqn, ...row }) => [fqn, row]));
    const scales = db.prepare('SELECT fqn, instances FROM scales').all() as { fqn: string; instances: number }[];
    this.scales = new Map(scales.map(({ fqn, instances }) => [fqn, instances]));
  }

  /** How many instances somebody asked for; undefined: the configuration decides. */
  scale(fqn: string): number | undefined {
    return this.scales.get(fqn);
  }

  /** Inside a transaction; `rememberScale` afterwards. */
  writeScale(tx: Transaction, fqn: string, instances: number): void {
    tx.db.prepare('INSERT INTO scales VALUES (?, ?) ON CONFLICT (fqn) DO UPDATE SET instances = excluded.instances').run(fqn, instances);
  }

  rememberScale(fqn: string, instances: number): void {
    this.scales.set(fqn, instances);
  }

  /** `always` forgets at a boot that it was stopped; everything else is remembered until somebody says otherwise. */
  wanted(source: string, name: string, policy: string): Wanted {
    const own = this.rows.get(`${source}:${name}`);
    const row = own ?? this.rows.get(`${source}:*`);
    if (row === undefined) return source === 'default' ? 'up' : 'down';
    return row.wanted === 'down' && own !== undefined && policy === 'always' && row.boot !== bootId() ? 'up' : row.wanted;
  }

  /** The full names of services of which something is remembered. */
  services(): string[] {
    return [...new Set([...this.rows.keys(), ...this.scales.keys()])].filter((name) => !name.endsWith(':*'));
  }

  /** The sources of which as a whole something was said. */
  sources(): string[] {
    return [...this.rows.keys()].filter((name) => name.endsWith(':*')).map((name) => name.slice(0, -2));
  }

  /** Everything that is remembered, in the order in which it has to be taken over: the word about a source first. */
  all(): { readonly name: string; readonly wanted: Wanted }[] {
    const isSource = (name: string): number => (name.endsWith(':*') ? 0 : 1);
    return [...this.rows].map(([name, { wanted }]) => ({ name, wanted })).sort((one, other) => isSource(one.name) - isSource(other.name) || one.name.localeCompare(other.name));
  }

  allScales(): { readonly fqn: string; readonly instances: number }[] {
    return [...this.scales].map(([fqn, instances]) => ({ fqn, instances })).sort((one, other) => one.fqn.localeCompare(other.fqn));
  }

  /** Inside a transaction; `remember` afterwards, once it is on disk. Names are services or `source:*`. */
  write(tx: Transaction, names: readonly string[], wanted: Wanted): void {
    const upsert = tx.db.prepare(
      'INSERT INTO intents (fqn, wanted, boot) VALUES (?, ?, ?) ON CONFLICT (fqn) DO UPDATE SET wanted = excluded.wanted, boot = excluded.boot',
    );
    for (const name of names) {
      if (name.endsWith(':*')) this.eraseSource(tx, name.slice(0, -2));
      upsert.run(name, wanted, bootId());
    }
  }

  remember(names: readonly string[], wanted: Wanted): void {
    for (const name of names) {
      if (name.endsWith(':*')) this.forgetSource(name.slice(0, -2));
      this.rows.set(name, { wanted, boot: bootId() });
    }
  }

  /** Takes back what was said of one service or source; `forgetWord` afterwards. */
  eraseWord(tx: Transaction, name: string): void {
    tx.db.prepare('DELETE FROM intents WHERE fqn = ?').run(name);
  }

  forgetWord(name: string): void {
    this.rows.delete(name);
  }

  /** The configuration decides again; `forgetScale` afterwards. */
  eraseScale(tx: Transaction, fqn: string): void {
    tx.db.prepare('DELETE FROM scales WHERE fqn = ?').run(fqn);
  }

  forgetScale(fqn: string): void {
    this.scales.delete(fqn);
  }

  erase(tx: Transaction, names: readonly string[]): void {
    for (const table of ['intents', 'scales']) {
      const erase = tx.db.prepare(`DELETE FROM ${table} WHERE fqn = ?`);
      for (const name of names) erase.run(name);
    }
  }

  eraseSource(tx: Transaction, source: string): void {
    const prefix = `${source}:`;
    tx.db.prepare('DELETE FROM intents WHERE substr(fqn, 1, ?) = ?').run(prefix.length, prefix);
  }

  /** As `eraseSource`, with the scales: the source is gone for good. */
  eraseAllOf(tx: Transaction, source: string): void {
    const prefix = `${source}:`;
    this.eraseSource(tx, source);
    tx.db.prepare('DELETE FROM scales WHERE substr(fqn, 1, ?) = ?').run(prefix.length, prefix);
  }

  forget(names: readonly string[]): void {
    for (const name of names) {
      this.rows.delete(name);
      this.scales.delete(name);
    }
  }

  forgetSource(source: string): void {
    for (const name of this.rows.keys()) if (name.startsWith(`${source}:`)) this.rows.delete(name);
  }
}
