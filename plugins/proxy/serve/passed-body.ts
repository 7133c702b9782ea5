import { LengthBody, noBody, type BodyReader, type BodySink } from '../message/body-reader.js';
import { ChunkedBody } from '../message/chunked-body.js';
import type { RequestHead } from '../message/request-head.js';
import type { JoinedWriter } from './joined-writer.js';
import type { AnswerPlan } from './response-for-client.js';

/** A body on its way from one connection to another, framed anew. */
export class PassedBody implements BodySink {
  /** Of its content, so far. */
  bytes = 0;
  #writer: JoinedWriter | null = null;
  #trailers = '';

  constructor(private readonly reader: BodyReader, private readonly writesChunks: boolean) {}

  /** There is one, if only an empty one in chunks. */
  get exists(): boolean {
    return this.reader !== noBody;
  }

  get isDone(): boolean {
    return this.reader.isDone;
  }

  /** Passes on what of it is in `received` from `at` on, and its end, and returns where it stopped. @throws Malformed */
  passOn(received: Buffer, writer: JoinedWriter, at = 0): number {
    this.#writer = writer;
    const used = this.reader.read(received, at, this);
    if (this.reader.isDone) this.#writeEnd(writer);
    return used;
  }

  /** The connection it comes from ended. False: in the middle of it. */
  end(writer: JoinedWriter): boolean {
    const isWhole = this.reader.end();
    if (isWhole) this.#writeEnd(writer);
    return isWhole;
  }

  piece(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.writesChunks) this.#writer?.chunk(bytes);
    else this.#writer?.bytes(bytes);
  }

  trailers(lines: string): void {
    this.#trailers = lines;
  }

  #writeEnd(writer: JoinedWriter): void {
    if (this.writesChunks) writer.text(`0\r\n${this.#trailers}\r\n`);
  }
}

export function requestBody({ chunked, length }: RequestHead): PassedBody {
  return new PassedBody(chunked ? new ChunkedBody() : length > 0 ? new LengthBody(length) : noBody, chunked);
}

export function answerBody({ reader, writesChunks }: AnswerPlan): PassedBody {
  return new PassedBody(reader, writesChunks);
}
