import { FrameError, readFrameHeader } from './frame-header.js';
import type { RpcLimits } from './limits.js';

const nothing: Buffer = Buffer.alloc(0);

/** One whole frame: its body as text, and how many bytes that was on the wire. */
export interface Frame {
  readonly text: string;
  readonly bytes: number;
}

/**
 * Cuts a byte stream into frames. Holds at most one chunk and one unfinished frame; an unfinished body grows with what
 * has really come, not with what its header claims, so a header alone costs its peer's promise nothing.
 */
export class FrameAssembler {
  #chunk = nothing;
  #at = 0;
  #head = nothing;
  #headFill = 0;
  #body = nothing;
  #bodyFill = 0;
  #bodyBytes = -1;

  constructor(private readonly limits: RpcLimits) {}

  /** Takes the next chunk; `next()` must have returned undefined since the last one. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** True when a frame was begun and its end has not come. */
  get isMidFrame(): boolean {
    return this.#headFill > 0 || this.#bodyBytes >= 0;
  }

  /**
   * The next whole frame, or undefined when the chunk is used up.
   * @throws FrameError
   */
  next(): Frame | undefined {
    if (this.#bodyBytes < 0 && !this.#readHeader()) {
      this.#chunk = nothing;
      this.#at = 0;
      return undefined;
    }
    return this.#readBody();
  }

  #readHeader(): boolean {
    if (this.#headFill > 0) return this.#readSplitHeader();
    if (this.#at >= this.#chunk.length) return false;
    const header = readFrameHeader(this.#chunk, this.#at, this.#chunk.length, this.limits);
    if (header === undefined) return this.#keepHeaderStart();
    this.#at += header.headerBytes;
    this.#bodyBytes = header.bodyBytes;
    return true;
  }

  #keepHeaderStart(): false {
    if (this.#head.length === 0) this.#head = Buffer.allocUnsafeSlow(this.limits.maxHeaderBytes);
    this.#headFill = this.#chunk.copy(this.#head, 0, this.#at);
    return false;
  }

  /** The header block came in pieces: collect until its end; then give back what belongs to the body. */
  #readSplitHeader(): boolean {
    const before = this.#headFill;
    const copied = this.#chunk.copy(this.#head, before, this.#at);
    this.#headFill += copied;
    const header = this.#mayEndHere(before) ? readFrameHeader(this.#head, 0, this.#headFill, this.limits) : undefined;
    if (header === undefined) {
      if (this.#headFill >= this.limits.maxHeaderBytes) {
        throw new FrameError(`A header block is longer than ${this.limits.maxHeaderBytes} bytes.`);
      }
      return false;
    }
    this.#at += header.headerBytes - before;
    this.#headFill = 0;
    this.#bodyBytes = header.bodyBytes;
    return true;
  }

  /** A line feed among the new bytes; without this look, one byte at a time would cost a scan each. */
  #mayEndHere(before: number): boolean {
    const found = this.#head.indexOf(10, before);
    return found >= 0 && found < this.#headFill;
  }

  #readBody(): Frame | undefined {
    const { length } = this.#chunk;
    const bytes = this.#bodyBytes;
    if (this.#bodyFill === 0 && length - this.#at >= bytes) {
      const text = this.#chunk.toString('utf8', this.#at, this.#at + bytes);
      this.#at += bytes;
      this.#bodyBytes = -1;
      return { text, bytes };
    }
    const take = Math.min(bytes - this.#bodyFill, length - this.#at);
    this.#growBody(this.#bodyFill + take);
    this.#chunk.copy(this.#body, this.#bodyFill, this.#at, this.#at + take);
    this.#bodyFill += take;
    this.#at += take;
    if (this.#bodyFill < bytes) {
      this.#chunk = nothing;
      this.#at = 0;
      return undefined;
    }
    const text = this.#body.toString('utf8', 0, bytes);
    this.#body = nothing;
    this.#bodyFill = 0;
    this.#bodyBytes = -1;
    return { text, bytes };
  }

  #growBody(needed: number): void {
    if (needed <= this.#body.length) return;
    const size = Math.min(this.#bodyBytes, Math.max(needed * 2, 1024));
    const grown = Buffer.allocUnsafeSlow(size);
    this.#body.copy(grown, 0, 0, this.#bodyFill);
    this.#body = grown;
  }
}
