import { stat as statCallback, statSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { InstanceRef } from '../runner/runner.js';
import { isMissing } from './durable-files.js';
import { archiveName, type StreamName, type StreamPaths } from './log-paths.js';
import { Mutex } from './mutex.js';
import { openLayout, type Warn } from './open-stream.js';
import { segmentBefore, segmentFrom, type Archive, type StreamLayout } from './stream-layout.js';
import { writeMeta } from './stream-meta.js';
import { TimeIndexFile } from './time-index-file.js';
import type { TimeMark } from './time-index.js';

export interface Block {
  /** Position in the stream of the first byte. */
  readonly at: number;
  readonly bytes: Buffer;
}

/** One stream of one instance: archives and live file read as one row of bytes that only grows at its end. */
export class LogStream {
  readonly index: TimeIndexFile;
  /** One rotation at a time. */
  readonly rotating = new Mutex();
  /** Position at which the present run of the instance began writing, when this daemon knows it. */
  runStart = 0;
  /** Whoever writes knows when its lines were written: what a look sees of the file's time would only blur that. */
  timedByWriter = false;
  private current: StreamLayout = { base: 0, start: 0, archives: [] };
  private opened: Promise<void> | null = null;
  private lastLook: TimeMark = { offset: 0, time: 0 };
  private warnedOfTruncation = false;
  /** Odd while the live file's front is being taken away: what a look or a read finds then has no known position. */
  private generation = 0;
  private readonly moving = new Mutex();

  constructor(
    readonly ref: InstanceRef,
    readonly stream: StreamName,
    readonly paths: StreamPaths,
    private readonly warn: Warn,
  ) {
    this.index = new TimeIndexFile(paths.index, () => this.current.archives[0]?.start ?? this.current.start);
  }

  get layout(): StreamLayout {
    return this.current;
  }

  /** Reads, and where a daemon died repairs, what is on disk. Repeated calls share one reading. */
  open(): Promise<void> {
    this.opened ??= this.load().catch((error: unknown) => {
      this.opened = null;
      throw error;
    });
    return this.opened;
  }

  /** Instead of `open` where its folder has just been made: there is nothing to read. False when it was opened before. */
  openNew(): boolean {
    if (this.opened !== null) return false;
    this.opened = Promise.resolve();
    const now = Date.now();
    this.lastLook = { offset: 0, time: now };
    this.index.begin({ offset: 0, time: now });
    return true;
  }

  private async load(): Promise<void> {
    const reached = await this.index.open();
    this.current = await openLayout(this.paths, reached?.offset ?? 0, this.warn);
    this.lastLook = reached ?? { offset: this.current.start, time: 0 };
    const mark = await this.look();
    this.index.begin(mark.offset === 0 ? { offset: 0, time: Date.now() } : mark);
  }

  /** Waits for a rotation that is under way, and writes down what is only in memory. */
  async close(): Promise<void> {
    await this.rotating.run(async () => undefined);
    await this.index.flush();
    await this.moving.run(async () => undefined);
  }

  /** Looks how far the stream has come; `time` is when it was last written to, in epoch milliseconds. */
  async look(): Promise<TimeMark> {
    for (;;) {
      const generation = this.generation;
      const lookedAt = Date.now();
      const stats = await statOrNull(this.paths.live);
      if (generation === this.generation && generation % 2 === 0) return this.note(stats, lookedAt);
      await this.moving.run(async () => undefined);
    }
  }

  /** As `look`, at once and without waiting for a thread, where a restart waits for the answer. */
  async lookAtOnce(): Promise<TimeMark> {
    if (this.generation % 2 !== 0) return this.look();
    return this.note(statSync(this.paths.live, { throwIfNoEntry: false }) ?? null, Date.now());
  }

  private note(stats: Stats | null, lookedAt: number): TimeMark {
    const size = stats?.size ?? 0;
    const before = this.lastLook;
    if (this.current.base + size < before.offset) this.truncated(before.offset);
    const offset = this.current.base + size;
    // Kernel times are a few milliseconds coarse, and a clock may have been set back.
    const time = Math.max(before.time, Math.min(stats?.mtimeMs ?? lookedAt, Date.now()));
    if (!this.timedByWriter) this.index.observe(before, { offset, time });
    this.lastLook = { offset, time: Math.max(before.time, lookedAt) };
    return { offset, time };
  }

  private truncated(reached: number): void {
    this.current = { ...this.current, base: reached, start: reached };
    void this.moving.run(() => writeMeta(this.paths.meta, { base: this.current.base, start: this.current.start })).catch(() => undefined);
    if (this.warnedOfTruncation) return;
    this.warnedOfTruncation = true;
    this.warn(
      `The log file ${this.paths.live} was emptied by somebody else, so lines were lost. ` +
        'A program that opens /dev/stdout or /dev/stderr with ">" does that: let it write to its descriptor (>&2), or append (>>).',
    );
  }

  /** What was written from `position` on, at most `most` bytes; `at` is later where retention took bytes. Null at `end`. */
  async readFrom(position: number, end: number, most: number): Promise<Block | null> {
    for (;;) {
      const segment = segmentFrom(this.current, position, end);
      if (segment === null) return null;
      const at = Math.max(position, segment.start);
      const until = Math.min(at + most, segment.end);
      const bytes = segment.archive === null ? await this.readLive(at, until) : await this.readArchive(segment.archive, at, until);
      if (bytes !== null) return bytes.length === 0 ? null : { at, bytes };
    }
  }

  /** The bytes before `position`, at most `most`. Null at the beginning of what is kept. */
  async readBefore(position: number, end: number, most: number): Promise<Block | null> {
    for (;;) {
      const segment = segmentBefore(this.current, position, end);
      if (segment === null) return null;
      const until = Math.min(position, segment.end);
      const at = Math.max(segment.start, until - most);
      const bytes = segment.archive === null ? await this.readLive(at, until) : await this.readArchive(segment.archive, at, until);
      if (bytes !== null) return bytes.length < until - at ? null : { at, bytes };
    }
  }

  /** Null when the bytes are in the live file no more. */
  private readLive(at: number, until: number): Promise<Buffer | null> {
    return this.moving.run(async () => {
      if (at < this.current.start) return null;
      return (await readSlice(this.paths.live, at - this.current.base, until - at)) ?? Buffer.alloc(0);
    });
  }

  private async readArchive(archive: Archive, at: number, until: number): Promise<Buffer | null> {
    const bytes = await readSlice(archiveName(this.paths.live, archive.start), at - archive.start, until - at);
    if (bytes === null || bytes.length === 0) this.dropArchives((one) => one === archive);
    return bytes === null || bytes.length === 0 ? null : bytes;
  }

  /** The bytes up to the archive's end are kept there from now on. */
  addArchive(archive: Archive): void {
    this.current = { ...this.current, start: archive.start + archive.size, archives: [...this.current.archives, archive] };
  }

  dropArchives(goes: (archive: Archive) => boolean): void {
    this.current = { ...this.current, archives: this.current.archives.filter((one) => !goes(one)) };
  }

  /** Retention takes everything before `position`, archived or not. */
  moveStart(position: number): void {
    this.current = { ...this.current, start: position };
  }

  /** Runs `collapse`, which takes that many bytes from the front of the live file or answers 0; nobody reads it meanwhile. */
  takeFront(collapse: () => Promise<number>): Promise<void> {
    return this.moving.run(async () => {
      this.generation += 1;
      try {
        const gone = await collapse();
        this.current = { ...this.current, base: this.current.base + gone };
      } finally {
        this.generation += 1;
      }
    });
  }
}

function statOrNull(path: string): Promise<Stats | null> {
  return new Promise((resolve, reject) => {
    // The callback form: it costs half of the promise form, and this runs for every stream of every service.
    statCallback(path, (error, stats) => {
      if (error === null) resolve(stats);
      else if (isMissing(error)) resolve(null);
      else reject(error);
    });
  });
}

async function readSlice(path: string, at: number, length: number): Promise<Buffer | null> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
