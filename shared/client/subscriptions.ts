import type { HiveEvent } from '../protocol/events.js';
import type { HostStats, LogLine, Stats } from '../protocol/results.js';

/** A batch of events as the daemon sends it. */
export interface EventBatch {
  readonly epoch: string;
  readonly events: readonly HiveEvent[];
  /** The sequence up to which the journal was looked at; acknowledge this. */
  readonly through: number;
}

/** Lines of one log subscription. */
export interface LogBatch {
  readonly subscription: string;
  readonly lines: readonly LogLine[];
}

/** One measurement of one metrics subscription. */
export interface MetricsSample {
  readonly subscription: string;
  readonly stats: readonly Stats[];
  readonly host: HostStats;
}

/** Called for each notification in order; a promise it answers holds the next one back. */
export type Listener<Value> = (value: Value) => void | Promise<void>;

/** The listeners of one kind of notification. */
export class Listeners<Value> {
  readonly #listeners = new Set<Listener<Value>>();

  /** Answers the function that removes the listener again. */
  add(listener: Listener<Value>): () => void {
    const entry: Listener<Value> = (value) => listener(value);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** One after the other, so that a slow listener slows the sender rather than fill memory. */
  async tell(value: Value): Promise<void> {
    for (const listener of [...this.#listeners]) await listener(value);
  }
}
