import type { BodyReader, BodySink } from './body-reader.js';
import { FieldLines } from './field-lines.js';
import { isFieldValue } from './characters.js';
import { Malformed } from './malformed.js';

type Expecting = 'size' | 'extension' | 'line feed of size' | 'data' | 'carriage return' | 'line feed of data' | 'trailers' | 'nothing';

const [lineFeed, carriageReturn, semicolon] = [10, 13, 59];
const mostDigits = 12;
const mostExtensionBytes = 4096;
const mostTrailerBytes = 8192;

/** A trailer must not change what the head has said. */
const notInTrailers = new Set([
  'content-length', 'transfer-encoding', 'host', 'connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'trailer',
  'expect', 'content-encoding', 'content-range', 'content-type', 'authorization', 'set-cookie', 'forwarded', 'x-request-id',
]);

/**
 * Reads a chunked body, as strictly as it can be written: a size in hexadecimal digits and nothing else, CRLF wherever a
 * line ends. Extensions of chunks are checked and dropped.
 */
export class ChunkedBody implements BodyReader {
  #expecting: Expecting = 'size';
  #size = 0;
  #digits = 0;
  /** Of all chunks together: a body that is made of extensions is an attack. */
  #extensionBytes = 0;
  #trailers = '';

  get isDone(): boolean {
    return this.#expecting === 'nothing';
  }

  end(): boolean {
    return this.isDone;
  }

  read(bytes: Buffer, at: number, sink: BodySink): number {
    while (at < bytes.length && this.#expecting !== 'nothing') {
      if (this.#expecting === 'data') at = this.#readData(bytes, at, sink);
      else if (this.#expecting === 'trailers') at = this.#readTrailers(bytes, at, sink);
      else this.#readFraming(bytes[at++] ?? 0);
    }
    return at;
  }

  #readFraming(byte: number): void {
    switch (this.#expecting) {
      case 'size':
        if (byte === carriageReturn && this.#digits > 0) this.#expecting = 'line feed of size';
        else if (byte === semicolon && this.#digits > 0) this.#expecting = 'extension';
        else this.#takeDigit(byte);
        return;
      case 'extension':
        if (byte === carriageReturn) this.#expecting = 'line feed of size';
        else if (isFieldValue[byte] !== 1) throw new Malformed(400, 'A chunk has a control character in its extension.');
        else if (++this.#extensionBytes > mostExtensionBytes) throw new Malformed(400, 'Its chunks have too many extensions.');
        return;
      case 'line feed of size':
        assertByte(byte, lineFeed, 'The size of a chunk does not end in CRLF.');
        this.#expecting = this.#size === 0 ? 'trailers' : 'data';
        return;
      case 'carriage return':
        assertByte(byte, carriageReturn, 'A chunk is longer than its size says.');
        this.#expecting = 'line feed of data';
        return;
      case 'line feed of data':
        assertByte(byte, lineFeed, 'A chunk does not end in CRLF.');
        this.#expecting = 'size';
        this.#digits = 0;
        return;
      case 'data': case 'trailers': case 'nothing':
        return;
    }
  }

  #takeDigit(byte: number): void {
    const digit = hexDigit(byte);
    if (digit === -1 || ++this.#digits > mostDigits) throw new Malformed(400, 'The size of a chunk is not a hexadecimal number.');
    this.#size = this.#size * 16 + digit;
  }

  #readData(bytes: Buffer, at: number, sink: BodySink): number {
    const end = Math.min(bytes.length, at + this.#size);
    this.#size -= end - at;
    sink.piece(bytes.subarray(at, end));
    if (this.#size === 0) this.#expecting = 'carriage return';
    return end;
  }

  #readTrailers(bytes: Buffer, at: number, sink: BodySink): number {
    const newLine = bytes.indexOf(lineFeed, at);
    const end = newLine === -1 ? bytes.length : newLine + 1;
    this.#trailers += bytes.toString('latin1', at, end);
    if (this.#trailers.length > mostTrailerBytes) throw new Malformed(431, 'Its trailers are too long.');
    if (newLine === -1) return end;
    if (!this.#trailers.endsWith('\r\n')) throw new Malformed(400, 'A trailer ends in a bare LF.');
    if (this.#trailers !== '\r\n' && !this.#trailers.endsWith('\r\n\r\n')) return end;
    const lines = this.#trailers.slice(0, -2);
    assertTrailers(lines);
    if (lines !== '') sink.trailers(lines);
    this.#expecting = 'nothing';
    return end;
  }
}

function assertTrailers(lines: string): void {
  const fields = new FieldLines(lines, 0);
  while (fields.next()) {
    if (notInTrailers.has(fields.name) || fields.name.startsWith('x-forwarded-')) throw new Malformed(400, `It has ${fields.name} among its trailers.`);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function assertByte(byte: number, expected: number, problem: string): void {
  if (byte !== expected) throw new Malformed(400, problem);
}
