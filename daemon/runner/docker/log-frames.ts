import type { OutputName } from '../../logs/log-paths.js';

/** One write of a container, as its engine hands it on. */
export interface LogFrame {
  readonly stream: OutputName;
  /** The engine's own time, with nine digits after the second; as text it can be compared and handed back. */
  readonly time: string;
  /** With the line end, unless it is a part of a long line. */
  readonly bytes: Buffer;
}

const headerBytes = 8;

/**
 * Takes the engine's multiplexed log stream apart: frames of `[stream, 0, 0, 0, length (4 bytes, big-endian)]`, each with a
 * time, a blank and what was written.
 */
export class LogFrames {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): LogFrame[] {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const frames: LogFrame[] = [];
    while (bytes.length >= headerBytes) {
      const length = bytes.readUInt32BE(4);
      if (bytes.length < headerBytes + length) break;
      const payload = bytes.subarray(headerBytes, headerBytes + length);
      const blank = payload.indexOf(32);
      // Stream 0 is stdin, which Hive's containers do not have, and 3 the engine's own complaints.
      if (blank > 0 && (bytes[0] === 1 || bytes[0] === 2)) {
        frames.push({ stream: bytes[0] === 1 ? 'stdout' : 'stderr', time: evenTime(payload.toString('latin1', 0, blank)), bytes: payload.subarray(blank + 1) });
      }
      bytes = bytes.subarray(headerBytes + length);
    }
    this.rest = bytes;
    return frames;
  }
}

/** Go leaves trailing zeros of a fraction out, and Podman writes the local zone: nine digits and UTC make times comparable as text. */
export function evenTime(text: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return text;
  const [, second = '', fraction = '', zone = 'Z'] = match;
  const digits = fraction.padEnd(9, '0').slice(0, 9);
  const utc = zone === 'Z' ? second : new Date(`${second}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${digits}Z`;
}

/**
 * As engines want it in `since`: seconds and nanoseconds, of 2 s earlier. The times of two outputs of one container may come
 * in another order than the lines, and some engines leave out what is exactly as old.
 */
export function sinceOf(time: string): string {
  return `${Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1_000) - 2}.${time.slice(20, 29)}`;
}
