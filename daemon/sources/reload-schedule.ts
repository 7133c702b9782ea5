/** A change is read once the file has been quiet for this long, milliseconds… */
const quietMs = 50;
/** …or has been written to for this long without a pause. */
const longestWaitMs = 2_000;
/** Reading again takes at most this share of the time, so that a file that never rests costs little. */
const busyShare = 0.1;
/** When a reading says that it came too early, milliseconds. */
const againMs = 200;
const longestRestMs = 5_000;

interface Waiting {
  readonly first: number;
  last: number;
}

/**
 * Turns many notices of changes into few readings: each source is read when its files have come to rest, never twice at
 * once, and always once more after the last notice.
 */
export class ReloadSchedule {
  private readonly waiting = new Map<string, Waiting>();
  private readonly notBefore = new Map<string, number>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly reading = new Set<string>();
  private closed = false;

  /** `read` answers `again` to be called once more a little later. It must not reject. */
  constructor(private readonly read: (name: string) => Promise<'done' | 'again'>) {}

  /** A file of the source may have changed. Cheap: called for every write. */
  notice(name: string): void {
    const now = performance.now();
    const waiting = this.waiting.get(name);
    if (waiting !== undefined) waiting.last = now;
    else this.wait(name, { first: now, last: now }, quietMs);
  }

  /** Reads the source after `delayMs`, changed or not. */
  later(name: string, delayMs: number): void {
    const now = performance.now();
    if (!this.waiting.has(name)) this.wait(name, { first: now, last: now }, delayMs);
  }

  forget(name: string): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
    this.waiting.delete(name);
    this.notBefore.delete(name);
  }

  close(): void {
    this.closed = true;
    for (const name of [...this.timers.keys()]) this.forget(name);
  }

  private wait(name: string, waiting: Waiting, delayMs: number): void {
    if (this.closed) return;
    this.waiting.set(name, waiting);
    const timer = setTimeout(() => this.check(name), delayMs);
    timer.unref();
    this.timers.set(name, timer);
  }

  private check(name: string): void {
    const waiting = this.waiting.get(name);
    if (waiting === undefined) return;
    const now = performance.now();
    const rest = now - waiting.first >= longestWaitMs ? 0 : waiting.last + quietMs - now;
    const delay = this.reading.has(name) ? quietMs : Math.max(rest, (this.notBefore.get(name) ?? 0) - now);
    if (delay > 1) {
      this.wait(name, waiting, delay);
      return;
    }
    // What is noticed from here on may be missed by the reading and leads to another.
    this.waiting.delete(name);
    this.timers.delete(name);
    this.reading.add(name);
    const started = performance.now();
    void this.read(name).then((outcome) => {
      const ended = performance.now();
      this.reading.delete(name);
      this.notBefore.set(name, ended + Math.min(longestRestMs, (ended - started) / busyShare));
      if (outcome === 'again') this.later(name, againMs);
    });
  }
}
