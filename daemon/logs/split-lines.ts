/** Longer lines are shown up to here, in bytes; the whole of them stays in the file. */
export const longestShownLine = 64 * 1024;

/** One line of a stream; positions are bytes from the stream's beginning. */
export interface RawLine {
  readonly start: number;
  /** Where the next line starts. */
  readonly end: number;
  /** The line without its newline, cut after `longestShownLine` bytes. */
  readonly bytes: Buffer;
  /** How long the whole line is, without its newline. */
  readonly length: number;
}

const newline = 10;
const nothing = Buffer.alloc(0);

/** Cuts a stream that is read front to back into lines; holds at most one line's shown part. */
export class ForwardSplitter {
  private held: Buffer = nothing;
  private lineStart: number;

  constructor(private position: number) {
    this.lineStart = position;
  }

  /** Where the next block has to start. */
  get next(): number {
    return this.position;
  }

  /** Where the line begins that is not whole yet. */
  get pendingStart(): number {
    return this.lineStart;
  }

  /** Takes the bytes at `next`; answers the lines that they complete. */
  push(block: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    let from = 0;
    for (let at = block.indexOf(newline); at !== -1; at = block.indexOf(newline, from)) {
      lines.push(this.line(join(this.held, block.subarray(from, at)), this.position + at, this.position + at + 1));
      from = at + 1;
    }
    this.held = owned(join(this.held, block.subarray(from)));
    this.position += block.length;
    return lines;
  }

  /** The line that has no newline yet, as far as it got; null when there is none. What follows counts as a new line. */
  flush(): RawLine | null {
    return this.position === this.lineStart ? null : this.line(this.held, this.position, this.position);
  }

  /** Goes on at `position`, forgetting an unfinished line. */
  skipTo(position: number): void {
    this.position = position;
    this.lineStart = position;
    this.held = nothing;
  }

  private line(bytes: Buffer, textEnd: number, end: number): RawLine {
    const line = { start: this.lineStart, end, bytes, length: textEnd - this.lineStart };
    this.lineStart = end;
    this.held = nothing;
    return line;
  }
}

/** Cuts a stream that is read back to front into lines, the last line first. */
export class BackwardSplitter {
  private held: Buffer = nothing;
  private lineEnd: number;
  private terminated: boolean | null = null;

  /** `position`: where reading starts, which is where the last line ends. */
  constructor(private position: number) {
    this.lineEnd = position;
  }

  /** Where the next block has to end. */
  get next(): number {
    return this.position;
  }

  /** Where the line ends whose beginning is looked for. */
  get pendingEnd(): number {
    return this.lineEnd;
  }

  /** Takes the bytes before `next`; answers the lines whose beginning they hold, the last one first. */
  push(block: Buffer): RawLine[] {
    if (block.length === 0) return [];
    const lines: RawLine[] = [];
    const at = this.position - block.length;
    this.terminated ??= block[block.length - 1] === newline;
    let until = block.length;
    for (;;) {
      // The newline that ends the line being collected does not begin it.
      const last = Math.min(until, this.lineEnd - at - (this.terminated ? 1 : 0)) - 1;
      const found = last < 0 ? -1 : block.lastIndexOf(newline, last);
      if (found === -1) break;
      lines.push(this.line(join(block.subarray(found + 1, until), this.held, true), at + found + 1));
      until = found + 1;
    }
    this.held = owned(join(block.subarray(0, until), this.held, true));
    this.position = at;
    return lines;
  }

  /** The line that begins where reading ended, if any. */
  flush(): RawLine | null {
    return this.lineEnd === this.position ? null : this.line(this.held, this.position);
  }

  private line(bytes: Buffer, start: number): RawLine {
    const length = this.lineEnd - start - (this.terminated === true ? 1 : 0);
    const line = { start, end: this.lineEnd, bytes: bytes.subarray(0, Math.min(length, longestShownLine)), length };
    this.lineEnd = start;
    this.terminated = true;
    this.held = nothing;
    return line;
  }
}

/** The first bytes of `a` and then `b`, as many as are shown (one more with `spare`: it may be the newline). */
function join(a: Buffer, b: Buffer, spare = false): Buffer {
  const limit = longestShownLine + (spare ? 1 : 0);
  if (a.length >= limit || b.length === 0) return a.subarray(0, limit);
  if (a.length === 0) return b.subarray(0, limit);
  return Buffer.concat([a, b.subarray(0, limit - a.length)]);
}

/** A copy, so that a few held bytes do not keep a whole block in memory. */
function owned(bytes: Buffer): Buffer {
  return bytes.length === 0 ? nothing : Buffer.from(bytes);
}
