import type { Socket } from 'node:net';

/** Up to here copying is cheaper than another write. */
const smallBytes = 4096;

/**
 * Joins what is written in one turn into as few writes as possible: most of what a request costs is the number of writes.
 * Text is written a byte a character.
 */
export class JoinedWriter {
  /** Something has gone out that cannot be taken back. */
  hasWritten = false;
  #text = '';

  constructor(private readonly socket: Socket) {}

  text(text: string): void {
    this.#text += text;
  }

  bytes(bytes: Buffer): void {
    if (bytes.length <= smallBytes) {
      this.#text += bytes.toString('latin1');
      return;
    }
    this.hasWritten = true;
    if (this.#text !== '') {
      this.socket.cork();
      this.socket.write(this.#text, 'latin1');
      this.#text = '';
      this.socket.write(bytes);
      this.socket.uncork();
    } else this.socket.write(bytes);
  }

  chunk(bytes: Buffer): void {
    this.#text += `${bytes.length.toString(16)}\r\n`;
    this.bytes(bytes);
    this.#text += '\r\n';
  }

  flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.hasWritten = true;
    this.#text = '';
    this.socket.write(text, 'latin1');
  }

  /** Forgets what was not written. */
  discard(): void {
    this.#text = '';
  }
}
