import type { RpcLimits } from './limits.js';

/** The stream is not a sequence of frames; nothing after this point can be trusted. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const fastPrefix = Buffer.from('Content-Length: ', 'latin1');
const carriageReturn = 13;
const lineFeed = 10;

/** What stands at the start of a frame: how long the header block is, and how long the body after it. */
export interface FrameHeader {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/**
 * Reads the header block that starts at `from`; undefined when its end has not come yet.
 * @throws FrameError
 */
export function readFrameHeader(bytes: Buffer, from: number, to: number, limits: RpcLimits): FrameHeader | undefined {
  return readUsualHeader(bytes, from, to, limits) ?? readAnyHeader(bytes, from, to, limits);
}

/** `Content-Length: N` alone, spelled as everybody spells it: no search, no string. */
function readUsualHeader(bytes: Buffer, from: number, to: number, limits: RpcLimits): FrameHeader | undefined {
  if (to - from < fastPrefix.length + 5) return undefined;
  for (let i = 0; i < fastPrefix.length; i++) if (bytes[from + i] !== fastPrefix[i]) return undefined;
  let at = from + fastPrefix.length;
  let length = 0;
  let digits = 0;
  for (; at < to && digits < 10; at++, digits++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
  }
  if (digits === 0 || !endsBlock(bytes, at, to)) return undefined;
  return { headerBytes: at + 4 - from, bodyBytes: withinLimit(length, limits) };
}

function readAnyHeader(bytes: Buffer, from: number, to: number, limits: RpcLimits): FrameHeader | undefined {
  const end = findBlockEnd(bytes, from, Math.min(to, from + limits.maxHeaderBytes));
  if (end === undefined) {
    if (to - from >= limits.maxHeaderBytes) {
      throw new FrameError(`A header block is longer than ${limits.maxHeaderBytes} bytes.`);
    }
    return undefined;
  }
  const bodyBytes = contentLength(bytes.toString('latin1', from, end), limits);
  return { headerBytes: end + 4 - from, bodyBytes };
}

function findBlockEnd(bytes: Buffer, from: number, to: number): number | undefined {
  for (let at = from; at + 4 <= to; at++) if (endsBlock(bytes, at, to)) return at;
  return undefined;
}

function endsBlock(bytes: Buffer, at: number, to: number): boolean {
  return (
    at + 4 <= to &&
    bytes[at] === carriageReturn &&
    bytes[at + 1] === lineFeed &&
    bytes[at + 2] === carriageReturn &&
    bytes[at + 3] === lineFeed
  );
}

/** Strict on purpose: two readers that understand one header differently are how messages get smuggled. */
function contentLength(block: string, limits: RpcLimits): number {
  const lines = block.split('\r\n');
  if (lines.length > limits.maxHeaders) throw new FrameError(`A frame has more than ${limits.maxHeaders} headers.`);
  let length: number | undefined;
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new FrameError('A header line has no name.');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'content-length') {
      if (length !== undefined) throw new FrameError('A frame has Content-Length twice.');
      if (!/^\d{1,10}$/.test(value)) throw new FrameError('Content-Length is not a number of bytes.');
      length = withinLimit(Number(value), limits);
    } else if (name === 'content-type' && /charset/i.test(value) && !/charset="?utf-?8"?\s*$/i.test(value)) {
      throw new FrameError('Content-Type names a charset other than UTF-8.');
    }
  }
  if (length === undefined) throw new FrameError('A frame has no Content-Length.');
  return length;
}

function withinLimit(length: number, limits: RpcLimits): number {
  if (length <= limits.maxFrameBytes) return length;
  throw new FrameError(`A frame of ${length} bytes exceeds the limit of ${limits.maxFrameBytes}.`);
}
