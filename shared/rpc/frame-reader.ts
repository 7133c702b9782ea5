import type { Duplex } from 'node:stream';
import type { DataCallback, Disposable, Message, MessageReader } from 'vscode-jsonrpc';
import { FrameAssembler, type Frame } from './frame-assembler.js';
import { FrameError } from './frame-header.js';
import { readMessage, type IncomingMessage, type MessageId } from './incoming-message.js';
import { AbstractMessageReader } from './json-rpc-library.js';
import type { RpcLimits } from './limits.js';

/** Params of the peer with their size, which handlers that queue have to account for. */
export class IncomingParams {
  constructor(
    readonly value: unknown,
    readonly bytes: number,
  ) {}
}

/** The fields that vscode-jsonrpc tells messages apart by. */
interface OutOfReader extends Message {
  readonly id?: MessageId;
  readonly method?: string;
  readonly params?: object;
  readonly result?: unknown;
  readonly error?: unknown;
}

const sized = (params: unknown, frame: Frame): IncomingParams => new IncomingParams(params, frame.bytes);

export interface FrameReaderEvents {
  /** The stream is broken; nothing more is read. */
  onBadStream(kind: 'bad-frame' | 'stalled-frame', message: string): void;
  /** A frame that is no message, and must be answered with an error. */
  onRefused(message: Extract<IncomingMessage, { kind: 'refused' }>): void;
  onComplaint(error: unknown): void;
}

/**
 * Feeds vscode-jsonrpc with messages that passed every guard. Works in turns: after `framesPerTurn` frames the socket is
 * paused for one round of the event loop, so that a peer that floods takes its share and no more.
 */
export class FrameReader extends AbstractMessageReader implements MessageReader {
  readonly #assembler: FrameAssembler;
  #deliver: DataCallback | undefined;
  #bytesIn = 0;
  #framesIn = 0;
  #isBetweenTurns = false;
  #onDrained: (() => void) | undefined;
  #stopped = false;
  #stallTimer: NodeJS.Timeout | undefined;
  #frameAtTimerStart = 0;

  constructor(
    private readonly socket: Duplex,
    private readonly limits: RpcLimits,
    private readonly events: FrameReaderEvents,
  ) {
    super();
    this.#assembler = new FrameAssembler(limits);
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  listen(deliver: DataCallback): Disposable {
    this.#deliver = deliver;
    this.socket.on('data', this.#onData);
    return { dispose: () => this.stop() };
  }

  /** Hands over a message as if the peer had sent it: how a call ends whose answer is no longer awaited. */
  inject(message: OutOfReader): void {
    this.#deliver?.(message);
  }

  /** The peer sends no more: calls back when what came before has been handled, at once if that is so now. */
  drain(onDrained: () => void): void {
    if (!this.#isBetweenTurns) return onDrained();
    this.#onDrained = onDrained;
  }

  stop(): void {
    this.#stopped = true;
    this.socket.off('data', this.#onData);
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytesIn += chunk.length;
    this.#assembler.push(chunk);
    this.#takeTurn();
  };

  #takeTurn(): void {
    try {
      for (let left = this.limits.framesPerTurn; !this.#stopped; left--) {
        if (left === 0) return this.#yieldTurn();
        const frame = this.#assembler.next();
        if (frame === undefined) break;
        this.#framesIn++;
        this.#handle(frame);
      }
    } catch (thrown) {
      if (!(thrown instanceof FrameError)) throw thrown;
      this.stop();
      this.events.onBadStream('bad-frame', thrown.message);
      return;
    }
    if (this.#assembler.isMidFrame) this.#watchForStall();
    this.#resume();
  }

  #yieldTurn(): void {
    if (!this.#isBetweenTurns) this.socket.pause();
    this.#isBetweenTurns = true;
    setImmediate(() => {
      if (!this.#stopped) this.#takeTurn();
    });
  }

  #resume(): void {
    if (!this.#isBetweenTurns || this.#stopped) return;
    this.#isBetweenTurns = false;
    this.socket.resume();
    // One round later, because the frames of this turn are dispatched in the microtasks that follow it.
    if (this.#onDrained !== undefined) setImmediate(this.#onDrained);
  }

  #handle(frame: Frame): void {
    const message = readMessage(frame.text, this.limits);
    switch (message.kind) {
      case 'request':
        return this.inject({ jsonrpc: '2.0', id: message.id, method: message.method, params: sized(message.params, frame) });
      case 'notification':
        return this.inject({ jsonrpc: '2.0', method: message.method, params: sized(message.params, frame) });
      case 'cancel':
        return this.inject({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: message.id } });
      case 'progress':
        return this.inject({ jsonrpc: '2.0', method: '$/progress', params: { token: message.token, value: message.value } });
      case 'answer':
        return this.inject({ jsonrpc: '2.0', id: message.id, result: message.result });
      case 'error-answer':
        return this.inject({ jsonrpc: '2.0', id: message.id, error: message.error });
      case 'complaint':
        return this.events.onComplaint(message.error);
      case 'refused':
        return this.events.onRefused(message);
    }
  }

  /** One timer at a time, armed only while a frame is open: a connection at rest costs none. */
  #watchForStall(): void {
    if (this.#stallTimer !== undefined) return;
    this.#frameAtTimerStart = this.#framesIn;
    this.#stallTimer = setTimeout(() => setImmediate(this.#judgeStall), this.limits.frameTimeoutMs);
    this.#stallTimer.unref();
  }

  /** Runs one round after the timer: bytes that came while this process itself was stopped or busy are read by then. */
  readonly #judgeStall = (): void => {
    this.#stallTimer = undefined;
    if (this.#stopped || !this.#assembler.isMidFrame) return;
    if (this.#framesIn !== this.#frameAtTimerStart) return this.#watchForStall();
    this.stop();
    this.events.onBadStream('stalled-frame', `A frame was begun and not finished within ${this.limits.frameTimeoutMs} ms.`);
  };
}
