import type { IncomingParams } from './frame-reader.js';

/** What a waiting notification takes beside its text; without it, millions of empty ones would be free. */
const bookkeepingBytes = 256;

export type NotificationHandler = (method: string, params: unknown) => void | Promise<void>;

/**
 * Runs the handler for one notification after the other: the next one starts when the promise of the last one settled.
 * A handler that answers at once is called at once.
 */
export class NotificationLane {
  // Taken from the front by index: Array.shift moves the whole rest, which is quadratic in a long queue.
  #waiting: { method: string; params: IncomingParams }[] = [];
  #first = 0;
  #waitingBytes = 0;
  #isBusy = false;
  #stopped = false;

  constructor(
    private readonly handler: NotificationHandler,
    private readonly maxWaitingBytes: number,
    private readonly events: { onFlood(): void; onDefect(thrown: unknown): void },
  ) {}

  get waiting(): number {
    return this.#waiting.length - this.#first;
  }

  take(method: string, params: IncomingParams): void {
    if (this.#stopped) return;
    if (!this.#isBusy) return this.#run(method, params);
    this.#waiting.push({ method, params });
    this.#waitingBytes += params.bytes + bookkeepingBytes;
    if (this.#waitingBytes > this.maxWaitingBytes) this.events.onFlood();
  }

  /** Drops what waits; a handler that runs is left to end. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
    this.#first = 0;
    this.#waitingBytes = 0;
  }

  #run(method: string, params: IncomingParams): void {
    let running: void | Promise<void>;
    try {
      running = this.handler(method, params.value);
    } catch (thrown) {
      this.events.onDefect(thrown);
      return;
    }
    if (!(running instanceof Promise)) return;
    this.#isBusy = true;
    running.catch((thrown: unknown) => this.events.onDefect(thrown)).finally(() => this.#next());
  }

  #next(): void {
    this.#isBusy = false;
    while (!this.#isBusy) {
      const next = this.#waiting[this.#first];
      if (next === undefined) return;
      this.#first++;
      if (this.#first >= 1024 || this.#first === this.#waiting.length) {
        this.#waiting.splice(0, this.#first);
        this.#first = 0;
      }
      this.#waitingBytes -= next.params.bytes + bookkeepingBytes;
      this.#run(next.method, next.params);
    }
  }
}
