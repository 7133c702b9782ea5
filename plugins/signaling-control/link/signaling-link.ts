import { readFileSync } from 'node:fs';
import type { RawData, WebSocket } from 'ws';
import type { LogLevel } from '../../../shared/plugin/index.js';
import type { Dialect } from '../wire/dialect.js';
import { readFrame, type Incoming } from '../wire/incoming.js';
import { registerMessage, type AnnouncedKind } from '../wire/outgoing.js';
import { Connection } from './connection.js';
import { defaultLinkTimings, type LinkTimings } from './link-timings.js';
import { loadWebSocket } from './load-websocket.js';
import { reconnectDelay } from './reconnect-delay.js';
import { shownText } from './shown-text.js';

/** Where to connect, and as whom. */
export interface LinkTarget {
  readonly url: URL;
  readonly hiveId: string;
  readonly secret: string;
  readonly dialect: Dialect;
  /** Absolute path of certificates to trust instead of the usual ones; null: the usual ones. */
  readonly ca: string | null;
  readonly version: string;
  readonly kinds: readonly AnnouncedKind[];
}

export type LinkState =
  | { readonly is: 'connecting' | 'registering' }
  | { readonly is: 'registered'; readonly since: Date }
  | { readonly is: 'waiting'; readonly reason: string; readonly delayMs: number };

export interface LinkOptions {
  readonly timings?: LinkTimings;
  /** Requests, one after the other as they come. */
  readonly onFrame: (incoming: Extract<Incoming, { is: 'request' | 'refused' }>) => void;
  readonly onRegistered: () => void;
  readonly onState: (state: LinkState) => void;
  readonly log: (level: LogLevel, message: string) => void;
}

const largestFrame = 2 ** 20;
const mostTold = 100;

/** Holds the connection to the signaling server, for ever: one that ends is followed by the next, after a pause. */
export class SignalingLink {
  readonly counters = { connections: 0, malformed: 0, unknown: 0, serverErrors: 0 };
  readonly #timings: LinkTimings;
  #socket: WebSocket | null = null;
  #connection: Connection | null = null;
  #state: LinkState = { is: 'connecting' };
  #failures = 0;
  /** On the clock of performance.now(). */
  #registeredAt = 0;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;
  /** What the server said against us, which explains a connection that it ends then. */
  #complaint: string | null = null;

  constructor(private readonly target: LinkTarget, private readonly options: LinkOptions) {
    this.#timings = options.timings ?? defaultLinkTimings;
  }

  get state(): LinkState {
    return this.#state;
  }

  open(): void {
    this.#connect();
  }

  /** Ends the connection for good. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#socket?.close(1001, 'The plugin stops.');
    this.#socket = null;
  }

  /** Sends a result if this Hive is registered; false: it is not. `onArrived` is called when the server has it for sure. */
  send(message: string, onArrived?: () => void): boolean {
    if (this.#state.is !== 'registered' || this.#connection === null) return false;
    this.#connection.send(message, onArrived);
    return true;
  }

  #connect(): void {
    this.#become({ is: 'connecting' });
    this.#complaint = null;
    this.counters.connections += 1;
    let socket: WebSocket;
    try {
      const { url, ca } = this.target;
      const Client = loadWebSocket();
      socket = new Client(url, {
        maxPayload: largestFrame, perMessageDeflate: false, skipUTF8Validation: true, followRedirects: false,
        handshakeTimeout: this.#timings.connectMs, rejectUnauthorized: true, ...(ca === null ? {} : { ca: readFileSync(ca, 'utf8') }),
      });
    } catch (thrown) {
      this.#lost(thrown instanceof Error ? thrown.message : String(thrown), null);
      return;
    }
    this.#socket = socket;
    const connection = this.#connection = new Connection(socket, this.#timings);
    let failure: string | null = null;
    socket.on('error', (error: Error) => { failure ??= error.message; });
    socket.on('open', () => {
      this.#become({ is: 'registering' });
      const { dialect } = this.target;
      socket.send(registerMessage(dialect, this.target));
      connection.expectRegistration(() => { failure ??= `the server did not answer the registration within ${this.#timings.registerMs / 1_000} s`; });
    });
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (this.#socket === socket) this.#take(readFrame(asBuffer(data), isBinary), connection);
    });
    socket.on('close', (code: number, reason: Buffer) => {
      connection.end();
      if (this.#socket !== socket) return;
      const words = reason.toString('utf8');
      const closed = code === 1006 || code === 1005 ? 'the connection ended' : `the server closed it with code ${code}${words === '' ? '' : `, "${shownText(words)}"`}`;
      this.#lost(this.#complaint ?? failure ?? connection.whyEnded ?? closed, this.#state);
    });
  }

  #take(incoming: Incoming, connection: Connection): void {
    connection.heard();
    switch (incoming.is) {
      case 'request':
      case 'refused':
        this.options.onFrame(incoming);
        return;
      case 'registered':
        connection.registered();
        if (this.#state.is === 'registered') return;
        this.#registeredAt = performance.now();
        this.#become({ is: 'registered', since: new Date() });
        this.options.onRegistered();
        return;
      case 'serverError': {
        this.counters.serverErrors += 1;
        const said = shownText(incoming.message);
        if (this.#state.is !== 'registered') this.#complaint = `the server says "${said}"`;
        this.options.log('warn', `The signaling server says: ${said}`);
        return;
      }
      case 'unknown':
        this.counters.unknown += 1;
        this.#debug(`A message of the unknown type "${shownText(incoming.type)}" is ignored.`);
        return;
      case 'malformed':
        this.counters.malformed += 1;
        this.#debug(`A malformed frame is ignored: ${incoming.why}.`);
        return;
    }
  }

  /** A server that talks nonsense is not to fill the disk with our telling of it. */
  #debug(sentence: string): void {
    if (this.counters.unknown + this.counters.malformed <= mostTold) this.options.log('debug', sentence);
  }

  #lost(reason: string, before: LinkState | null): void {
    this.#socket = null;
    this.#connection = null;
    if (this.#isClosed) return;
    const wasSteady = before?.is === 'registered' && performance.now() - this.#registeredAt >= this.#timings.steadyMs;
    if (wasSteady) this.#failures = 0;
    const delayMs = reconnectDelay(this.#failures, Math.random());
    this.#failures += 1;
    this.#become({ is: 'waiting', reason: shownText(reason), delayMs });
    this.#retry = setTimeout(() => this.#connect(), delayMs);
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.options.onState(state);
  }

}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
