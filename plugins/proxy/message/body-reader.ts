/** Takes the content of a body, without what frames it, piece by piece. */
export interface BodySink {
  piece(bytes: Buffer): void;
  /** The lines after the last chunk, each with its CRLF. Comes before the body is done, and only when there are some. */
  trailers(lines: string): void;
}

/** Finds a body in the bytes of a connection. */
export interface BodyReader {
  readonly isDone: boolean;
  /** Reads from `at` on and returns where it stopped: the end of `bytes`, or of the body. @throws Malformed */
  read(bytes: Buffer, at: number, sink: BodySink): number;
  /** The connection ended. False: in the middle of the body. */
  end(): boolean;
}

export class LengthBody implements BodyReader {
  constructor(private left: number) {}

  get isDone(): boolean {
    return this.left === 0;
  }

  read(bytes: Buffer, at: number, sink: BodySink): number {
    const end = Math.min(bytes.length, at + this.left);
    if (end === at) return at;
    this.left -= end - at;
    sink.piece(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }

  end(): boolean {
    return this.left === 0;
  }
}

/** An answer of the old kind, which ends with its connection. */
export class UntilCloseBody implements BodyReader {
  #isDone = false;

  get isDone(): boolean {
    return this.#isDone;
  }

  read(bytes: Buffer, at: number, sink: BodySink): number {
    if (at < bytes.length) sink.piece(at === 0 ? bytes : bytes.subarray(at));
    return bytes.length;
  }

  end(): boolean {
    this.#isDone = true;
    return true;
  }
}

export const noBody: BodyReader = { isDone: true, read: (_bytes, at) => at, end: () => true };
