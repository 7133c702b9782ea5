import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { LogStream } from './log-stream.js';

/** Bytes, and when they were written, in epoch milliseconds. */
export interface TimedBytes {
  readonly bytes: Buffer;
  readonly time: number;
}

/**
 * Writes into a stream on behalf of an instance that cannot write to files itself, because it lives in an engine. Rotation
 * goes on under it as under any writer: it appends.
 */
export class StreamWriter {
  private file: FileHandle | null = null;

  constructor(readonly stream: LogStream) {
    stream.timedByWriter = true;
  }

  /** Position at the end of the stream. */
  async end(): Promise<number> {
    await this.stream.open();
    return (await this.stream.look()).offset;
  }

  /** The bytes from a position to the end, at most `most`. */
  async readFrom(position: number, most: number): Promise<Buffer> {
    const end = await this.end();
    const parts: Buffer[] = [];
    for (let at = position; at < end && at - position < most; ) {
      const block = await this.stream.readFrom(at, end, most - (at - position));
      if (block === null) break;
      parts.push(block.bytes);
      at = block.at + block.bytes.length;
    }
    return Buffer.concat(parts);
  }

  /** Appends, with the writers' own times. Answers the position after it. Rejects with a system error, having written nothing or a part. */
  async write(lines: readonly TimedBytes[]): Promise<number> {
    this.file ??= await open(this.stream.paths.live, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
    const before = await this.end();
    const whole = Buffer.concat(lines.map(({ bytes }) => bytes));
    for (let written = 0; written < whole.length; ) written += (await this.file.write(whole, written)).bytesWritten;
    let offset = before;
    for (const { bytes, time } of lines) {
      this.stream.index.observe({ offset, time }, { offset: offset + bytes.length, time });
      offset += bytes.length;
    }
    return offset;
  }

  async close(): Promise<void> {
    this.stream.timedByWriter = false;
    const { file } = this;
    this.file = null;
    await file?.close();
  }
}
