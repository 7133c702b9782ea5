import { defaultLevel, isAtLeast, type LogLevel } from './levels.js';
import { lineEndBefore } from './line-end.js';
import type { LogStream } from './log-stream.js';
import { parseLine, shownLevel } from './parse-line.js';
import { orderingTime, showLine, type ShownLine } from './shown-line.js';
import { ForwardSplitter, longestShownLine, type RawLine } from './split-lines.js';
import { writtenAt, type TimeMark, type WrittenAt } from './time-index.js';

const mostLooks = 64;

/** Reads one stream front to back, from where it is told, as far as it has grown. */
export class FollowedStream {
  private readonly splitter: ForwardSplitter;
  private key = 0;
  private headLevel: LogLevel = defaultLevel;
  /** Where this follower saw the stream end, and when; its lines' times come from here while it keeps up. */
  private looks: TimeMark[] = [];
  private marks: readonly TimeMark[] = [];
  private marksMayBeOld = true;
  private end: number;
  private ended = false;
  /** Where an unfinished line was shown: the newline that comes there makes no line of its own. */
  private flushedAt: number | null = null;

  constructor(
    readonly stream: LogStream,
    position: number,
    private readonly level: LogLevel,
  ) {
    this.splitter = new ForwardSplitter(position);
    this.end = position;
  }

  /** The beginning of the line that is being written at `end`: what follows can be read from there in whole lines. */
  static async lineStart(stream: LogStream, end: number): Promise<number> {
    const found = await lineEndBefore(stream, end, longestShownLine);
    if (found !== null) return found;
    return end - stream.layout.start <= longestShownLine ? stream.layout.start : end;
  }

  /** There is more to read than was read. */
  get behind(): boolean {
    return this.splitter.next < this.end;
  }

  /** The instance writes no more: what it left unfinished is shown as it is. */
  instanceEnded(): void {
    this.ended = true;
  }

  /** Looks whether the stream has grown. */
  async look(): Promise<boolean> {
    const lookedAt = Date.now();
    const { offset, time } = await this.stream.look();
    const grew = offset > this.end;
    const last = this.looks[this.looks.length - 1];
    if (!grew) {
      const silent = { offset, time: Math.max(lookedAt, last?.time ?? 0) };
      const before = this.looks[this.looks.length - 2];
      if (last !== undefined && before?.offset === last.offset) this.looks[this.looks.length - 1] = silent;
      else this.looks.push(silent);
    } else {
      this.looks.push({ offset, time: Math.max(time, last?.time ?? 0) });
    }
    if (this.looks.length > mostLooks) this.looks = this.looks.slice(-mostLooks / 2);
    this.end = offset;
    return grew;
  }

  /** Reads the next `most` bytes; answers the lines that are whole by now. */
  async read(most: number): Promise<ShownLine[]> {
    this.marksMayBeOld = true;
    const block = await this.stream.readFrom(this.splitter.next, this.end, most);
    const shown: ShownLine[] = [];
    if (block !== null) {
      if (block.at > this.splitter.next) {
        shown.push(this.gap(block.at - this.splitter.pendingStart));
        this.splitter.skipTo(block.at);
      }
      for (const raw of this.splitter.push(block.bytes)) await this.show(raw, shown);
    }
    if (this.ended && !this.behind) await this.showUnfinished(shown);
    return shown;
  }

  private async showUnfinished(shown: ShownLine[]): Promise<void> {
    this.ended = false;
    const raw = this.splitter.flush();
    if (raw === null) return;
    await this.show(raw, shown);
    this.flushedAt = raw.end;
  }

  private async show(raw: RawLine, shown: ShownLine[]): Promise<void> {
    const emptied = raw.start === this.flushedAt && raw.length === 0;
    this.flushedAt = null;
    if (emptied) return;
    const parsed = parseLine(raw);
    const level = shownLevel(parsed, this.headLevel);
    if (!parsed.continues) this.headLevel = level;
    const written = await this.timeOf(raw.end);
    this.key = Math.max(this.key, orderingTime(parsed.time, written));
    if (isAtLeast(level, this.level)) shown.push(showLine(this.stream, parsed, level, this.key, written.time));
  }

  private async timeOf(end: number): Promise<WrittenAt> {
    const first = this.looks[0];
    if (first === undefined || end <= first.offset) {
      if (this.marksMayBeOld && (this.marks[this.marks.length - 1]?.offset ?? 0) < end) {
        this.marks = await this.stream.index.marks();
        this.marksMayBeOld = false;
      }
      return writtenAt(this.marks, end);
    }
    return writtenAt(this.looks, end);
  }

  private gap(skipped: number): ShownLine {
    const message = `… ${skipped} bytes were deleted by rotation before they could be shown …`;
    const parsed = { level: 'warn', time: null, message, fields: { skippedBytes: skipped }, continues: false } as const;
    return showLine(this.stream, parsed, 'warn', this.key, Math.max(this.key, this.looks[0]?.time ?? 0));
  }
}
