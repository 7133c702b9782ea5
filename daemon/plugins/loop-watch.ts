/**
 * Knows when this process's own event loop was late (busy, stopped, suspended with the machine): whoever did not answer
 * in such a time may have answered in vain, so that no verdict about others is fair.
 */
export class LoopWatch {
  #lastTick = performance.now();
  #lastLate = Number.NEGATIVE_INFINITY;
  readonly #timer: NodeJS.Timeout;

  /** A delay of `toleranceMs` counts as late. */
  constructor(private readonly toleranceMs: number, private readonly periodMs = Math.max(20, toleranceMs / 2)) {
    this.#timer = setInterval(() => this.#tick(), this.periodMs).unref();
  }

  /** Whether the loop was late at some time after `since`, in the milliseconds of performance.now(). */
  wasLateSince(since: number): boolean {
    // The tick that is due may not have run yet: in a late loop, whose timer runs first is chance.
    this.#note();
    return this.#lastLate >= since;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#note();
    this.#lastTick = performance.now();
  }

  #note(): void {
    const now = performance.now();
    if (now - this.#lastTick > this.periodMs + this.toleranceMs) this.#lastLate = now;
  }
}
