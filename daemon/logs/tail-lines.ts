import { defaultLevel, isAtLeast, type LogLevel } from './levels.js';
import type { LogStream } from './log-stream.js';
import { parseLine, type ParsedLine } from './parse-line.js';
import { lineBytes, orderingTime, showLine, type ShownLine } from './shown-line.js';
import { BackwardSplitter, type RawLine } from './split-lines.js';
import { offsetAt, writtenAt, type TimeMark } from './time-index.js';

export interface TailLimits {
  readonly lines: number;
  /** About how much of an answer the lines may take up, in bytes. */
  readonly bytes: number;
  /** Epoch milliseconds; earlier lines are left out. */
  readonly since: number;
  readonly level: LogLevel;
}

const blockBytes = 64 * 1024;
/** So many lines that continue an earlier one wait for it, to get its level. */
const mostContinuing = 500;

/**
 * The last lines of a stream before `end`, oldest first, reading back from there no further than it must.
 * `marks` are the stream's times.
 */
export async function tailLines(stream: LogStream, end: number, marks: readonly TimeMark[], limits: TailLimits): Promise<ShownLine[]> {
  const collector = new TailCollector(stream, marks, limits);
  const splitter = new BackwardSplitter(end);
  const oldest = offsetAt(marks, limits.since);
  while (!collector.full && splitter.pendingEnd > oldest) {
    const block = await stream.readBefore(splitter.next, end, blockBytes);
    if (block === null || block.at + block.bytes.length < splitter.next) {
      // The beginning of what is kept, or of what follows a gap that retention left.
      const first = splitter.flush();
      if (first !== null) collector.take(first);
      break;
    }
    for (const raw of splitter.push(block.bytes)) if (!collector.full) collector.take(raw);
  }
  return collector.finish();
}

class TailCollector {
  private readonly shown: ShownLine[] = [];
  private continuing: { parsed: ParsedLine; raw: RawLine }[] = [];
  private key = Infinity;
  private bytes = 0;
  private tooOld = false;

  constructor(
    private readonly stream: LogStream,
    private readonly marks: readonly TimeMark[],
    private readonly limits: TailLimits,
  ) {}

  get full(): boolean {
    return this.tooOld || this.shown.length >= this.limits.lines || this.bytes >= this.limits.bytes;
  }

  /** Takes the next earlier line. */
  take(raw: RawLine): void {
    const parsed = parseLine(raw);
    if (parsed.continues && this.continuing.length < mostContinuing) {
      this.continuing.push({ parsed, raw });
      return;
    }
    const level = parsed.level ?? defaultLevel;
    this.showContinuing(level);
    this.show(parsed, raw, level);
  }

  /** The lines so far, oldest first. */
  finish(): ShownLine[] {
    if (!this.full) this.showContinuing(defaultLevel);
    return this.shown.reverse();
  }

  private showContinuing(level: LogLevel): void {
    for (const { parsed, raw } of this.continuing) this.show(parsed, raw, level);
    this.continuing = [];
  }

  private show(parsed: ParsedLine, raw: RawLine, level: LogLevel): void {
    if (this.full) return;
    const written = writtenAt(this.marks, raw.end);
    const key = Math.min(this.key, orderingTime(parsed.time, written));
    if (key < this.limits.since) {
      this.tooOld = true;
      return;
    }
    this.key = key;
    if (!isAtLeast(level, this.limits.level)) return;
    const line = showLine(this.stream, parsed, level, key, written.time);
    this.shown.push(line);
    this.bytes += lineBytes(line);
  }
}
