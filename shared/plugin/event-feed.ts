import type { EventBatch } from '../client/index.js';
import type { HiveEvent } from '../protocol/events.js';

/** So many events may be done and not acknowledged: a plugin that dies gets at most that many again. */
const acknowledgeEvery = 64;

export interface FeedOptions {
  /** Resolves when the event is done; a rejection stops the feed before it. */
  readonly handle: (event: HiveEvent) => Promise<void>;
  readonly acknowledge: (upTo: { epoch: string; through: number }) => void;
}

/**
 * Takes batches as they come and hands their events on, in order and one at a time. What is done is acknowledged, in one
 * message for many events. How much can wait here is bounded by the daemon's window of unacknowledged events.
 */
export class EventFeed {
  #waiting: EventBatch[] = [];
  #isOpen = false;
  #isDraining = false;
  #isStopped = false;
  #working: Promise<void> | null = null;

  constructor(private readonly options: FeedOptions) {}

  take(batch: EventBatch): void {
    if (this.#isDraining) return;
    this.#waiting.push(batch);
    this.#work();
  }

  /** From here on events are handled; before, they only wait. */
  open(): void {
    this.#isOpen = true;
    this.#work();
  }

  /** Handles what has arrived by now, for at most so long, then nothing more. What is not done is not acknowledged. */
  async drain(ms: number): Promise<void> {
    this.#isDraining = true;
    if (this.#working !== null) {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms); });
      await Promise.race([this.#working, timeout]);
      clearTimeout(timer);
    }
    this.#isStopped = true;
  }

  #work(): void {
    if (!this.#isOpen || this.#isStopped || this.#working !== null || this.#waiting.length === 0) return;
    this.#working = this.#workOff().finally(() => {
      this.#working = null;
    });
  }

  async #workOff(): Promise<void> {
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
      if (!(await this.#handleBatch(batch))) return;
    }
  }

  async #handleBatch({ epoch, events, through }: EventBatch): Promise<boolean> {
    let unacknowledged = 0;
    for (const event of events) {
      if (this.#isStopped) return false;
      try {
        await this.options.handle(event);
      } catch {
        this.#isStopped = true;
        return false;
      }
      if (++unacknowledged < acknowledgeEvery) continue;
      this.options.acknowledge({ epoch, through: event.seq });
      unacknowledged = 0;
    }
    this.options.acknowledge({ epoch, through });
    return true;
  }
}
