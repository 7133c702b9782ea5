import { statfs } from 'node:fs/promises';
import { errorCode } from './durable-files.js';
import type { LogStream } from './log-stream.js';
import type { Warn } from './open-stream.js';
import type { SpaceReclaimer } from './reclaim-space.js';
import { retain, rotate, type RotationStep } from './rotate.js';
import { nextLookIn, quietestMs, type LogPolicy } from './rotation-plan.js';

const rotationsAtOnce = 2;
const looksAtOnce = 32;
const afterFailureMs = 10_000;
const shortestPauseMs = 100;
const longestPauseMs = 1_000;
/** When the disk lost this much since the last pass, every stream is looked at: one that was silent may be writing fast. */
const alarmingBytes = 32 * 1024 * 1024;

interface Swept {
  readonly stream: LogStream;
  policy: LogPolicy;
  /** On the monotonic clock, in milliseconds, like the other times here. */
  dueAt: number;
  waitedMs: number;
  /** Null until the first look. */
  seen: { offset: number; at: number } | null;
  growing: boolean;
  rotating: boolean;
  warned: boolean;
}

/** Notices that streams grow, by looking at their sizes now and then, and rotates those that have grown enough. */
export class GrowthSweep {
  private readonly swept = new Map<LogStream, Swept>();
  private timer: NodeJS.Timeout | null = null;
  private timerAt = 0;
  private passing: Promise<void> | null = null;
  private closed = false;
  private freeBytes: number | null = null;
  private rotations = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly folder: string,
    private readonly reclaimer: SpaceReclaimer,
    private readonly warn: Warn,
    private readonly onStep: (step: RotationStep) => void,
  ) {}

  /** Begins to look after a stream, or changes its policy. */
  add(stream: LogStream, policy: LogPolicy): void {
    if (this.closed) return;
    const known = this.swept.get(stream);
    if (known !== undefined) {
      known.policy = policy;
      known.dueAt = performance.now();
    } else {
      this.swept.set(stream, { stream, policy, dueAt: performance.now(), waitedMs: longestPauseMs, seen: null, growing: false, rotating: false, warned: false });
    }
    this.schedule();
  }

  /** Stops looking after a stream; a rotation that is under way goes on (`LogStream.close` waits for it). */
  remove(stream: LogStream): void {
    this.swept.delete(stream);
  }

  /** Begins nothing any more. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.passing;
  }

  private schedule(): void {
    if (this.closed || this.passing !== null || this.swept.size === 0) return;
    let due = Infinity;
    for (const entry of this.swept.values()) if (!entry.rotating && entry.dueAt < due) due = entry.dueAt;
    const pause = Math.max(shortestPauseMs, Math.min(longestPauseMs, due - performance.now()));
    const at = performance.now() + pause;
    // A timer that is set stays, or services that are started one after the other would put it off for ever.
    if (this.timer !== null && this.timerAt <= at) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.passing = this.pass()
        .catch((error: unknown) => this.warn(`Looking at the log files failed: ${String(error)}`))
        .finally(() => {
          this.passing = null;
          this.schedule();
        });
    }, pause);
    this.timer.unref();
  }

  private async pass(): Promise<void> {
    const alarmed = await this.diskIsFilling();
    const now = performance.now();
    const due: Swept[] = [];
    let active = 0;
    for (const entry of this.swept.values()) {
      if (entry.growing) active += 1;
      if (!entry.rotating && (alarmed || entry.dueAt <= now)) due.push(entry);
    }
    for (let from = 0; from < due.length && !this.closed; from += looksAtOnce) {
      await Promise.all(due.slice(from, from + looksAtOnce).map((entry) => this.examine(entry, active)));
    }
  }

  private async diskIsFilling(): Promise<boolean> {
    try {
      const { bavail, bsize } = await statfs(this.folder);
      const before = this.freeBytes;
      this.freeBytes = bavail * bsize;
      return before !== null && before - this.freeBytes >= alarmingBytes;
    } catch {
      return false;
    }
  }

  private async examine(entry: Swept, active: number): Promise<void> {
    const { stream, policy } = entry;
    try {
      await stream.open();
      const { offset } = await stream.look();
      const now = performance.now();
      const room = policy.maxSizeBytes - (offset - stream.layout.start);
      const grown = entry.seen === null ? 0 : offset - entry.seen.offset;
      const elapsedMs = entry.seen === null ? 0 : now - entry.seen.at;
      entry.growing = grown > 0;
      entry.waitedMs = nextLookIn({ grown, elapsedMs, room: Math.max(0, room), previousMs: entry.waitedMs, active });
      entry.dueAt = now + entry.waitedMs;
      entry.seen = { offset, at: now };
      if (entry.waitedMs >= quietestMs) void stream.index.flush();
      if (room <= 0) this.rotate(entry);
    } catch (error) {
      this.failed(entry, 'Looking at', error);
    }
  }

  private rotate(entry: Swept): void {
    const { stream } = entry;
    entry.rotating = true;
    // An instance that is restarted is looked after anew while the rotation of before may still be under way.
    const rotation = stream.rotating.run(async () => {
      await this.turn();
      try {
        if (!this.closed && this.swept.get(stream) === entry) await rotate(stream, entry.policy, this.reclaimer, this.onStep);
      } finally {
        this.rotations -= 1;
        this.waiting.shift()?.();
      }
    });
    void rotation
      .then(() => {
        entry.warned = false;
        entry.dueAt = performance.now();
      })
      .catch(async (error: unknown) => {
        // The oldest archive would go when this rotation is done, so it may as well make room for it.
        if (errorCode(error) === 'ENOSPC') await retain(stream, Math.max(0, entry.policy.maxFiles - 1)).catch(() => undefined);
        this.failed(entry, 'Rotating', error);
      })
      .finally(() => {
        entry.rotating = false;
        this.schedule();
      });
  }

  private async turn(): Promise<void> {
    if (this.rotations >= rotationsAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.rotations += 1;
  }

  private failed(entry: Swept, what: string, error: unknown): void {
    entry.dueAt = performance.now() + afterFailureMs;
    if (entry.warned) return;
    entry.warned = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.warn(`${what} ${entry.stream.paths.live} failed (${reason}). No line is lost; it is tried again every ${afterFailureMs / 1000} s.`);
  }
}
