import type { Duplex } from 'node:stream';
import type { Message, MessageWriter } from 'vscode-jsonrpc';
import type { HiveError } from '../errors/hive-error.js';
import type { MessageId } from './incoming-message.js';
import { AbstractMessageWriter } from './json-rpc-library.js';
import type { RpcLimits } from './limits.js';
import { errorText, notificationText, requestText, resultText, serialise } from './message-text.js';
import { RawJson } from './raw-json.js';

/** The messages that vscode-jsonrpc hands over; params and results were serialised before it saw them. */
interface OutgoingMessage extends Message {
  readonly id?: MessageId;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

const written = Promise.resolve();

/**
 * Concatenated strings stay trees of small pieces until somebody reads them, several times the size of their text. What
 * waits longer than a moment is therefore packed into buffers of about this many characters.
 */
const packAtLength = 64 * 1024;

/**
 * Turns messages into frames and frames into few writes: all that is sent within one tick, and all that is sent while
 * the last write is still on its way, goes out as one string. Knows to the byte what the peer has not taken yet.
 */
export class FrameWriter extends AbstractMessageWriter implements MessageWriter {
  #packed: Buffer[] = [];
  #outbox = '';
  #outboxBytes = 0;
  #inFlightBytes = 0;
  #flushIsDue = false;
  #stopped = false;
  #bytesOut = 0;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly socket: Duplex,
    private readonly limits: RpcLimits,
    /** Called once, when more output waits than `maxUnsentBytes`. */
    private readonly onOverflow: () => void,
  ) {
    super();
  }

  /** Bytes handed over here and not yet taken by the operating system, whose own buffer is about 200 KiB more. */
  get unsentBytes(): number {
    return this.#outboxBytes + this.#inFlightBytes;
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  get writable(): boolean {
    return !this.#stopped && this.unsentBytes < this.limits.pauseAtUnsentBytes;
  }

  /** Resolves when `writable` is true again, or when the connection ended. */
  async whenWritable(): Promise<void> {
    if (this.writable || this.#stopped) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** vscode-jsonrpc's way in. Never rejects: whatever ends a socket ends the connection, and with it every call. */
  write(message: Message): Promise<void> {
    this.send(encode(message, this.limits));
    return written;
  }

  /** Answers a message that was refused before it reached vscode-jsonrpc. */
  sendError(answersTo: MessageId | null, number: number, error: HiveError): void {
    this.send(errorText(answersTo, number, error.message, serialise('The error', error.data, this.limits)));
  }

  send(text: string): void {
    if (this.#stopped) return;
    const bytes = Buffer.byteLength(text);
    const header = `Content-Length: ${bytes}\r\n\r\n`;
    this.#outbox += header + text;
    this.#outboxBytes += header.length + bytes;
    if (this.#outbox.length >= packAtLength) this.#pack();
    if (this.unsentBytes > this.limits.maxUnsentBytes) {
      this.onOverflow();
    } else if (!this.#flushIsDue && this.#inFlightBytes === 0) {
      this.#flushIsDue = true;
      process.nextTick(this.#flush);
    }
  }

  /** Writes what waits now, and takes nothing more. */
  finish(): void {
    this.#flush();
    this.#stop();
  }

  /** Drops what waits, and takes nothing more. */
  abandon(): void {
    this.#packed = [];
    this.#outbox = '';
    this.#outboxBytes = 0;
    this.#stop();
  }

  end(): void {}

  #stop(): void {
    this.#stopped = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  readonly #flush = (): void => {
    this.#flushIsDue = false;
    if (this.#stopped || this.#outboxBytes === 0) return;
    // The peer may have hung up while its last requests were still being handled; nobody waits for these answers.
    if (!this.socket.writable) return this.abandon();
    const { socket } = this;
    const bytes = this.#outboxBytes;
    const packed = this.#packed;
    const text = this.#outbox;
    this.#packed = [];
    this.#outbox = '';
    this.#outboxBytes = 0;
    this.#inFlightBytes += bytes;
    const onWritten = (error?: Error | null): void => {
      this.#inFlightBytes -= bytes;
      if (!error) this.#afterWrite(bytes);
    };
    // One byte a character means ASCII, which latin1 copies without converting.
    if (packed.length === 0) return void socket.write(text, bytes === text.length ? 'latin1' : 'utf8', onWritten);
    socket.cork();
    for (const buffer of packed) socket.write(buffer);
    socket.write(text, 'utf8', onWritten);
    socket.uncork();
  };

  #pack(): void {
    this.#packed.push(Buffer.from(this.#outbox, 'utf8'));
    this.#outbox = '';
  }

  #afterWrite(bytes: number): void {
    this.#bytesOut += bytes;
    if (this.#inFlightBytes === 0 && !this.#flushIsDue) this.#flush();
    if (this.#waiting.length === 0 || !this.writable) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

function encode(message: OutgoingMessage, limits: RpcLimits): string {
  const { id, method, error } = message;
  if (method !== undefined) {
    const params = asRaw(message.params);
    return id === undefined ? notificationText(method, params) : requestText(id, method, params);
  }
  if (id === undefined) throw new TypeError('A message without a method and without an id.');
  if (error === undefined) return resultText(id, asRaw(message.result) ?? new RawJson('null'));
  return encodeError(id, error, limits);
}

function encodeError(id: MessageId, error: NonNullable<OutgoingMessage['error']>, limits: RpcLimits): string {
  let text: string;
  try {
    text = errorText(id, error.code, error.message, serialise('The data of an error', error.data, limits));
    if (Buffer.byteLength(text) <= limits.maxFrameBytes) return text;
  } catch {
    // The facts cannot travel; the code and the sentence still can.
  }
  const code = (error.data as { code?: unknown } | undefined)?.code;
  return errorText(id, error.code, error.message.slice(0, 1000), new RawJson(JSON.stringify({ code })));
}

function asRaw(value: unknown): RawJson | undefined {
  return value === undefined || value instanceof RawJson ? value : new RawJson(JSON.stringify(value));
}
