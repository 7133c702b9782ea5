import type { StreamCursor } from './log-cursor.js';

/**
 * Decides which of an engine's lines are yet to be written, when it tells its log again from some time before the cursor.
 * `beyond`: the bytes that the file has after the cursor's position, which a killed daemon wrote without counting them.
 */
export class ResumedStream {
  private left: number;

  constructor(public cursor: StreamCursor, private beyond: Buffer) {
    this.left = cursor.count;
  }

  /** What is to be appended for this line, maybe nothing any more; null: it was counted before. */
  take(time: string, bytes: Buffer): Buffer | null {
    if (this.left > 0 && time < this.cursor.time) return null;
    if (this.left > 0 && time === this.cursor.time) {
      this.left -= 1;
      return null;
    }
    this.left = 0;
    if (this.beyond.length === 0) return bytes;
    const common = Math.min(bytes.length, this.beyond.length);
    if (!this.beyond.subarray(0, common).equals(bytes.subarray(0, common))) {
      // Somebody else wrote there: what follows is Hive's again.
      this.beyond = Buffer.alloc(0);
      return bytes;
    }
    this.beyond = this.beyond.subarray(common);
    return bytes.subarray(common);
  }

  /** A line that was to be written is in the file: the cursor moves behind it. */
  count(time: string, length: number): void {
    const { cursor } = this;
    this.cursor = { position: cursor.position + length, time, count: time === cursor.time ? cursor.count + 1 : 1 };
  }
}
