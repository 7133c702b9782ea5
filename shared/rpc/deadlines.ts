/** What setTimeout can hold; a longer wait is cut into pieces of about 24 days. */
const longestTimerMs = 2 ** 31 - 1;

interface Deadline {
  readonly at: number;
  readonly onExpired: () => void;
}

/**
 * The deadlines of many calls over one timer. Most calls are answered long before theirs, so starting and stopping one
 * is a Set operation; the timer is set once for the earliest and looks again when it fires. It is unref'd: what keeps a
 * process alive is its socket.
 *
 * The verdict falls one round of the event loop after the timer: when this process itself was busy or stopped for the
 * whole time, the answer lies in the socket already and is read in between.
 */
export class Deadlines {
  readonly #pending = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #stopped = false;

  /** Calls `onExpired` once, after `ms` milliseconds, unless the function that it answers is called before. */
  start(ms: number, onExpired: () => void): () => void {
    const deadline = { at: performance.now() + ms, onExpired };
    this.#pending.add(deadline);
    if (deadline.at < this.#timerAt) this.#setTimer(deadline.at);
    return () => void this.#pending.delete(deadline);
  }

  stop(): void {
    this.#stopped = true;
    this.#pending.clear();
    clearTimeout(this.#timer);
  }

  #setTimer(at: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const ms = Math.min(Math.max(Math.ceil(at - performance.now()), 1), longestTimerMs);
    this.#timer = setTimeout(() => setImmediate(this.#judge), ms);
    this.#timer.unref();
  }

  readonly #judge = (): void => {
    this.#timerAt = Infinity;
    const now = performance.now();
    let earliest = Infinity;
    for (const deadline of this.#pending) {
      if (deadline.at > now) {
        earliest = Math.min(earliest, deadline.at);
        continue;
      }
      this.#pending.delete(deadline);
      deadline.onExpired();
    }
    if (earliest < Infinity && earliest < this.#timerAt) this.#setTimer(earliest);
  };
}
