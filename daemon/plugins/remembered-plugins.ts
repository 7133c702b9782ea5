import type { PluginProcess, RememberedPlugin } from '../../shared/protocol/link.js';
import type { NewEvent } from '../../shared/protocol/events.js';
import type { StateStore } from '../state/state-store.js';
import type { Requested } from './plugin-daemon.js';

/** What state.db holds of a plugin. */
export interface Memory extends Omit<RememberedPlugin, 'process'> { process: PluginProcess | null }

/** What is remembered of plugins, across hosts and daemons. */
export class RememberedPlugins {
  readonly #byId = new Map<string, Memory>();

  constructor(private readonly store: StateStore) {
    const rows = store.db.prepare('SELECT data FROM plugins').pluck().all() as string[];
    for (const data of rows) {
      const memory = JSON.parse(data) as Memory;
      this.#byId.set(memory.id, memory);
    }
  }

  get all(): Iterable<Memory> {
    return this.#byId.values();
  }

  of(id: string): Memory {
    return this.#byId.get(id) ?? { id, choice: 'default', quarantined: null, restarts: 0, unstableRuns: 0, process: null };
  }

  /** Something happened to a plugin: remembers how it stands, in the transaction of the event that tells of it. */
  async note(memory: Memory, event?: NewEvent, cause?: Requested): Promise<void> {
    const isChanged = this.#keep(memory);
    if (!isChanged && event === undefined) return;
    await this.store.record((tx) => {
      if (isChanged) this.#write(memory);
      if (event !== undefined) tx.append(event, cause);
    });
  }

  /** Somebody decided something: durable when it resolves. @throws HiveError STORAGE_FAILED; then nothing has changed */
  async decide(memory: Memory): Promise<void> {
    await this.store.commit(() => this.#write(memory));
    this.#keep(memory);
  }

  #keep(memory: Memory): boolean {
    const before = this.#byId.get(memory.id);
    this.#byId.set(memory.id, memory);
    return JSON.stringify(before) !== JSON.stringify(memory);
  }

  #write(memory: Memory): void {
    this.store.db.prepare('INSERT INTO plugins VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data').run(memory.id, JSON.stringify(memory));
  }
}
