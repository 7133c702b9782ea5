import { constants } from 'node:fs';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { partialSuffix } from './log-paths.js';
import { marksFor, thinned, type TimeMark } from './time-index.js';

const markBytes = 16;
/** 64 KiB a file at the most, after which it is thinned to half. */
const mostMarks = 4096;
const writeAfterMarks = 8;
const writeAfterMs = 60_000;

/**
 * The sparse times of one stream: pairs of float64 (offset, epoch milliseconds), appended. New marks are gathered in
 * memory for up to a minute; a daemon that is killed loses those, and with them only precision.
 */
export class TimeIndexFile {
  private waiting: TimeMark[] = [];
  private waitingSince = 0;
  private last: TimeMark | null = null;
  private unmarked: TimeMark | null = null;
  private written = 0;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly oldestOffset: () => number,
  ) {}

  /** Reads how far the stream has come by the index; null when it has no marks. */
  async open(): Promise<TimeMark | null> {
    const bytes = await this.bytes();
    const stored = decode(bytes);
    this.written = Math.floor(bytes.length / markBytes);
    this.last = stored[stored.length - 1] ?? null;
    return this.last;
  }

  /** Gives an index without marks its first one. */
  begin(first: TimeMark): void {
    if (this.last === null) this.add([first]);
  }

  /** Notes that a look found `now`, and the look before it `before`. */
  observe(before: TimeMark, now: TimeMark): void {
    if (this.last === null || now.offset <= before.offset) return;
    const marks = marksFor(this.last, this.unmarked, before, now);
    if (marks.length === 0) this.unmarked = now;
    else this.add(marks);
  }

  /** Every mark, in order; with the growth that was seen and not marked yet. */
  async marks(): Promise<TimeMark[]> {
    await this.writing;
    const recent = [...this.waiting, ...(this.unmarked === null ? [] : [this.unmarked])];
    return [...(await this.stored()), ...recent];
  }

  /** Writes what is gathered. Never throws: an index that cannot be written costs precision only. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write([...this.waiting])).catch(() => undefined);
    return this.writing;
  }

  private add(marks: TimeMark[]): void {
    if (this.waiting.length === 0) this.waitingSince = Date.now();
    this.waiting.push(...marks);
    this.last = marks[marks.length - 1] ?? this.last;
    this.unmarked = null;
    if (this.waiting.length >= writeAfterMarks || Date.now() - this.waitingSince >= writeAfterMs) void this.flush();
  }

  private async write(marks: TimeMark[]): Promise<void> {
    if (marks.length === 0) return;
    if (this.written + marks.length > mostMarks) {
      const kept = thinned([...(await this.stored()), ...marks], this.oldestOffset(), mostMarks / 2);
      await writeFile(this.path + partialSuffix, encode(kept), { mode: 0o600 });
      await rename(this.path + partialSuffix, this.path);
      this.written = kept.length;
    } else {
      await this.writeAt(this.written * markBytes, encode(marks));
      this.written += marks.length;
    }
    this.waiting = this.waiting.filter((mark) => !marks.includes(mark));
  }

  /** At a position and not at the end, so that a mark that a crash or a full disk cut off is written over. */
  private async writeAt(position: number, bytes: Buffer): Promise<void> {
    const file = await open(this.path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      await file.write(bytes, 0, bytes.length, position);
    } finally {
      await file.close();
    }
  }

  private async stored(): Promise<TimeMark[]> {
    return decode(await this.bytes());
  }

  private async bytes(): Promise<Buffer> {
    try {
      return await readFile(this.path);
    } catch {
      return Buffer.alloc(0);
    }
  }
}

function encode(marks: readonly TimeMark[]): Buffer {
  const bytes = Buffer.alloc(marks.length * markBytes);
  marks.forEach((mark, index) => {
    bytes.writeDoubleLE(mark.offset, index * markBytes);
    bytes.writeDoubleLE(mark.time, index * markBytes + 8);
  });
  return bytes;
}

/** Leaves out what does not ascend, such as the rest of a write that was cut off. */
function decode(bytes: Buffer): TimeMark[] {
  const marks: TimeMark[] = [];
  let previous: TimeMark = { offset: 0, time: 0 };
  for (let at = 0; at + markBytes <= bytes.length; at += markBytes) {
    const mark = { offset: bytes.readDoubleLE(at), time: bytes.readDoubleLE(at + 8) };
    if (!(mark.offset >= previous.offset && mark.time >= previous.time && mark.time <= 8.64e15)) continue;
    marks.push(mark);
    previous = mark;
  }
  return marks;
}
