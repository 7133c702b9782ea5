import type { Socket } from 'node:net';
import { findHeadEnd } from '../message/find-head.js';
import { Malformed } from '../message/malformed.js';
import { parseRequestHead, type RequestHead } from '../message/request-head.js';
import { Exchange } from './exchange.js';
import { problemAnswer, type Problem } from './problem-answer.js';
import { originLines } from './request-for-backend.js';
import type { ServeContext } from './serve-context.js';

/** Who has a client's connection at the moment: a request and its answer, or a tunnel. */
export interface ClientUser {
  /** There are bytes to take, by `takeWaiting`. */
  clientData(): void;
  clientDrained(): void;
  /** The client will send nothing more. */
  clientEnded(): void;
  clientClosed(): void;
  /** Looks whether something takes too long. Called a few times a second. */
  check(now: number): void;
}

/** Reading pauses when so much waits to be used. */
const mostWaitingBytes = 64 * 1024;
const lingerMs = 1_000;

/** The connection of a client: requests one after another, never two at once. */
export class ClientConnection {
  readonly address: string;
  #waiting: Buffer | null = null;
  #user: ClientUser | null = null;
  #isAdvancing = false;
  #hasEnded = false;
  /** It is being closed: what still comes is thrown away, so that the last answer arrives before the connection breaks. */
  #isLingering = false;
  #isFirst = true;
  /** When the present head began, or the connection became idle. */
  #since = performance.now();
  #originHost: string | null = null;
  #origin = '';

  constructor(readonly socket: Socket, readonly context: ServeContext) {
    this.address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
    context.clients.add(this);
    context.figures.connections++;
    context.figures.accepted++;
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
    socket.on('drain', () => (this.#user === null ? this.#advance() : this.#user.clientDrained()));
    socket.on('end', () => this.#ended());
    // 'close' follows, and does all there is to do.
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
  }

  get isIdle(): boolean {
    return this.#user === null && this.#waiting === null;
  }

  /** Everything that was received and not used, or null. */
  takeWaiting(): Buffer | null {
    const bytes = this.#waiting;
    this.#waiting = null;
    if (bytes !== null && this.socket.isPaused()) this.socket.resume();
    return bytes;
  }

  /** What follows the end of the body belongs to the next request. */
  putBack(bytes: Buffer): void {
    this.#waiting = bytes;
  }

  /** Lines about where its requests come from. */
  originFor(host: string): string {
    if (this.#originHost !== host) {
      this.#origin = originLines(this.address, host);
      this.#originHost = host;
    }
    return this.#origin;
  }

  handOver(user: ClientUser): void {
    this.#user = user;
  }

  /** The answer is written. @param reusable the next request may come */
  exchangeDone(reusable: boolean): void {
    this.#user = null;
    this.#since = performance.now();
    if (!reusable || this.#hasEnded) this.#endWith('');
    else this.#advance();
  }

  /** Answers with a problem of the proxy's own instead of a backend's answer. */
  answerProblem(problem: Problem, request: RequestHead | null, reusable: boolean): void {
    const close = !reusable || this.#hasEnded || this.context.life !== 'serving';
    const text = problemAnswer(problem, { accept: request?.accept ?? '', isHead: request?.method === 'HEAD', close });
    this.#user = null;
    this.#since = performance.now();
    if (close) return this.#endWith(text);
    this.socket.write(text, 'latin1');
    this.#advance();
  }

  /** Ends the connection in a way that nobody takes for the end of the answer. */
  cutOff(endsWithConnection: boolean): void {
    this.#user = null;
    if (endsWithConnection) this.socket.resetAndDestroy();
    else this.socket.destroySoon();
  }

  /** Looks for what takes too long. */
  check(now: number): void {
    if (this.#user !== null) return this.#user.check(now);
    const { limits } = this.context;
    const elapsed = now - this.#since;
    if (this.#isLingering) {
      if (elapsed > (this.socket.writableLength > 0 ? limits.unreadMs : lingerMs)) this.socket.destroy();
    } else if (this.socket.writableNeedDrain) {
      if (elapsed > limits.unreadMs) this.socket.destroy();
    } else if (this.#waiting !== null) {
      if (elapsed > limits.headMs) this.#refuse({ status: 408, code: 'CLIENT_TIMEOUT', message: 'The headers of the request did not arrive in time.', service: null, requestId: '' });
    } else if (elapsed > (this.#isFirst ? limits.headMs : limits.idleMs)) this.socket.destroy();
  }

  #received(bytes: Buffer): void {
    if (this.#isLingering) return;
    if (this.#waiting === null && this.#user === null) this.#since = performance.now();
    this.#waiting = this.#waiting === null ? bytes : Buffer.concat([this.#waiting, bytes]);
    if (this.#user === null) this.#advance();
    else this.#user.clientData();
    if (this.#waiting !== null && this.#waiting.length >= mostWaitingBytes) this.socket.pause();
  }

  /** Takes one request after another from what waits, as long as each is answered at once. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    while (this.#user === null && !this.#isLingering && this.#waiting !== null && !this.socket.writableNeedDrain) if (!this.#takeRequest(this.#waiting)) break;
    this.#isAdvancing = false;
    if (this.#waiting === null || (this.#user === null && this.#waiting.length < mostWaitingBytes)) this.socket.resume();
    if (this.context.life === 'stopping' && this.isIdle && !this.#isFirst) this.#endWith('');
  }

  /** False: its head is not complete. */
  #takeRequest(bytes: Buffer): boolean {
    let request: RequestHead;
    let end: number;
    try {
      end = findHeadEnd(bytes, 0);
      if (end === -1) return false;
      request = parseRequestHead(bytes.toString('latin1', 0, end));
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      this.context.figures.malformed++;
      this.#refuse({ status: thrown.status, code: 'MALFORMED_REQUEST', message: `The request cannot be forwarded. ${thrown.message}`, service: null, requestId: '' });
      return true;
    }
    this.#isFirst = false;
    this.#waiting = end + 2 < bytes.length ? bytes.subarray(end + 2) : null;
    const exchange = new Exchange(this, request);
    this.#user = exchange;
    exchange.begin();
    return true;
  }

  #refuse(problem: Problem): void {
    this.#waiting = null;
    this.#endWith(problemAnswer(problem, { accept: '', isHead: false, close: true }));
  }

  #endWith(text: string): void {
    this.#isLingering = true;
    this.#waiting = null;
    this.#since = performance.now();
    this.socket.end(text, 'latin1', () => {
      this.#since = performance.now();
      if (this.#hasEnded) this.socket.destroy();
    });
    this.socket.resume();
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#user !== null) this.#user.clientEnded();
    else if (this.#isLingering) this.socket.destroySoon();
    else this.#endWith('');
  }

  #closed(): void {
    this.context.clients.delete(this);
    this.context.figures.connections--;
    const user = this.#user;
    this.#user = null;
    user?.clientClosed();
  }
}
