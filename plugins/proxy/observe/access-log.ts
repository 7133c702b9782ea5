import { closeSync, fstatSync, openSync, renameSync, statSync, write } from 'node:fs';

/** One request, when it is over. */
export interface AccessEntry {
  readonly requestId: string;
  readonly client: string;
  readonly method: string;
  readonly host: string;
  /** Without the query: queries carry secrets. */
  readonly path: string;
  /** What the client got; 0 when it got nothing. */
  readonly status: number;
  /** Of the answer's body. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly service: string | null;
  readonly endpoint: string | null;
  readonly retries: number;
  /** Why the request failed, or null. */
  readonly problem: string | null;
}

export interface AccessLogOptions { readonly path: string; readonly maxBytes?: number }

const flushMs = 100;
/** A disk that does not keep up must not fill the memory; what does not fit is counted and said. */
const mostWaitingBytes = 8 * 1024 * 1024;
const defaultMaxBytes = 50 * 1024 * 1024;

/**
 * Writes a JSON object a line, a batch at a time. The file is renamed to `<path>.1` when it is too large. Several workers
 * write the same file: each appends whole lines, and looks before each batch whether another one has rotated it.
 */
export class AccessLog {
  #waiting: string[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;
  #descriptor: number | null = null;
  #isWriting = false;

  constructor(private readonly options: AccessLogOptions) {}

  add(entry: AccessEntry): void {
    const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
    if (this.#waitingBytes + line.length > mostWaitingBytes) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#timer ??= setTimeout(() => this.#flush(), flushMs);
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#isWriting || this.#waiting.length === 0) return;
    const lost = this.#lost === 0 ? '' : `${JSON.stringify({ time: new Date().toISOString(), lostLines: this.#lost })}\n`;
    const text = lost + this.#waiting.join('');
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#lost = 0;
    try {
      this.#isWriting = true;
      write(this.#open(), text, null, 'utf8', () => {
        this.#isWriting = false;
        this.#flush();
      });
    } catch {
      // A log that cannot be written must not stop requests; the next batch tries again.
      this.#isWriting = false;
      this.#descriptor = null;
    }
  }

  #open(): number {
    const { path, maxBytes = defaultMaxBytes } = this.options;
    if (this.#descriptor !== null) {
      const mine = fstatSync(this.#descriptor);
      const now = statSync(path, { throwIfNoEntry: false });
      if (now !== undefined && now.ino === mine.ino && mine.size < maxBytes) return this.#descriptor;
      closeSync(this.#descriptor);
      this.#descriptor = null;
      if (now !== undefined && now.size >= maxBytes) renameSync(path, `${path}.1`);
    }
    return (this.#descriptor = openSync(path, 'a', 0o600));
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#flush();
    while (this.#isWriting || this.#waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
