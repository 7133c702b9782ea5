import type { Duplex } from 'node:stream';
import type { CancellationToken, MessageConnection, ResponseError as WireError } from 'vscode-jsonrpc';
import { HiveError } from '../errors/hive-error.js';
import type { CloseKind, CloseReason } from './close-reason.js';
import { closeSocket } from './close-socket.js';
import { callCancelled, callTimedOut, connectionClosed, requestWithdrawn, tooBusy } from './connection-errors.js';
import { Deadlines } from './deadlines.js';
import { FrameReader, IncomingParams } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import type { MessageId } from './incoming-message.js';
import { createMessageConnection, ErrorCodes, ProgressType, ResponseError } from './json-rpc-library.js';
import { defaultLimits, type RpcLimits } from './limits.js';
import { notificationText, serialise } from './message-text.js';
import { NotificationLane, type NotificationHandler } from './notification-lane.js';
import { installPromptDispatch } from './prompt-dispatch.js';
import type { RawJson } from './raw-json.js';
import { RunningRequest, type RequestContext } from './running-request.js';
import { fromWireError, methodNotFound, toWireError } from './wire-errors.js';

export interface RpcOptions {
  /** Whom the connection leads to, as errors name it: "the daemon", "plugin hive-proxy". */
  readonly name: string;
  /** Answers the peer's requests, concurrently. May return RawJson. A HiveError travels as it is. Default: METHOD_NOT_FOUND. */
  readonly onRequest?: (method: string, params: unknown, context: RequestContext) => unknown;
  /** Takes the peer's notifications in order, one at a time. Default: they are dropped. */
  readonly onNotification?: NotificationHandler;
  /** Told of everything that is a bug on either side: handlers that threw no HiveError, complaints of the peer. */
  readonly onDefect?: (error: unknown) => void;
  readonly limits?: Partial<RpcLimits>;
  /** How long a call may take that names no deadline. Default 30 s. */
  readonly defaultDeadlineMs?: number;
}

export interface CallOptions {
  /** After this many milliseconds the call is withdrawn and fails with TIMEOUT. */
  readonly deadlineMs?: number;
  /** Aborting it withdraws the call, which then fails with CANCELLED. */
  readonly signal?: AbortSignal;
  /** Receives what the peer's handler reports, before the call resolves. */
  readonly onProgress?: (value: unknown) => void;
}

export interface RpcStats {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Output the operating system has not taken yet. */
  readonly unsentBytes: number;
  /** Calls of this side without an answer. */
  readonly pendingCalls: number;
  /** Requests of the peer that are being worked on. */
  readonly runningRequests: number;
  readonly waitingNotifications: number;
}

const progressType = new ProgressType<unknown>();

/** Starts to speak JSON-RPC over a connected stream. From here on, the stream belongs to the connection. */
export function connectRpc(stream: Duplex, options: RpcOptions): RpcConnection {
  return new RpcConnection(stream, options);
}

/**
 * One JSON-RPC connection; both sides may call. vscode-jsonrpc matches answers to calls and dispatches requests; around
 * it stand the guards that it lacks (see the files of this folder, one guard each).
 */
export class RpcConnection {
  readonly name: string;
  /** Resolves, never rejects, once the connection is over; every pending call has been rejected by then. */
  readonly closed: Promise<CloseReason>;
  readonly #stream: Duplex;
  readonly #options: RpcOptions;
  readonly #limits: RpcLimits;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #lane: NotificationLane;
  readonly #rpc: MessageConnection;
  readonly #deadlines = new Deadlines();
  readonly #running = new Set<RunningRequest>();
  #pendingCalls = 0;
  #lastCallId: MessageId = 0;
  #closeReason: CloseReason | undefined;
  #resolveClosed: (reason: CloseReason) => void = () => {};

  constructor(stream: Duplex, options: RpcOptions) {
    installPromptDispatch();
    this.name = options.name;
    this.#stream = stream;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#reader = new FrameReader(stream, this.#limits, {
      onBadStream: (kind, message) => this.#refuseStream(kind, message),
      onRefused: ({ answersTo, number, error }) => this.#writer.sendError(answersTo, number, error),
      onComplaint: (error) => this.#reportDefect(fromWireError(error)),
    });
    this.#writer = new FrameWriter(stream, this.#limits, () =>
      this.#end('unread-output', `More than ${this.#limits.maxUnsentBytes} bytes wait for a peer that does not read.`),
    );
    this.#lane = new NotificationLane(
      (method, params) => this.#options.onNotification?.(method, params),
      this.#limits.maxWaitingNotificationBytes,
      {
        onFlood: () => this.#end('notification-flood', 'Notifications come faster than they can be handled.'),
        onDefect: (thrown) => this.#reportDefect(thrown),
      },
    );
    this.#rpc = this.#startDispatch();
    this.#watchStream();
  }

  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** False while so much output waits that a sender who can wait should; see `whenWritable`. */
  get writable(): boolean {
    return this.#writer.writable;
  }

  get stats(): RpcStats {
    return {
      bytesIn: this.#reader.bytesIn,
      bytesOut: this.#writer.bytesOut,
      unsentBytes: this.#writer.unsentBytes,
      pendingCalls: this.#pendingCalls,
      runningRequests: this.#running.size,
      waitingNotifications: this.#lane.waiting,
    };
  }

  /** Resolves when `writable` is true, or when the connection ended: look at `isClosed` afterwards. */
  whenWritable(): Promise<void> {
    return this.#writer.whenWritable();
  }

  /**
   * Calls a method of the peer. `params` is an object, an array, RawJson, or left out.
   * @throws HiveError what the peer threw; TIMEOUT, CANCELLED, CONNECTION_CLOSED, TOO_LARGE, INVALID_PARAMS
   */
  async call<T = unknown>(method: string, params?: object, options: CallOptions = {}): Promise<T> {
    if (this.#closeReason !== undefined) throw connectionClosed(this.name, this.#closeReason);
    if (options.signal?.aborted) throw callCancelled(method);
    const raw = this.#serialiseParams(method, params);
    const answer = raw === undefined ? this.#rpc.sendRequest<T>(method) : this.#rpc.sendRequest<T>(method, raw);
    const stopWatching = this.#watchCall(this.#lastCallId, method, options);
    this.#pendingCalls++;
    try {
      return await answer;
    } catch (thrown) {
      throw this.#callError(thrown);
    } finally {
      this.#pendingCalls--;
      stopWatching();
    }
  }

  /**
   * Sends a notification; on a closed connection it is dropped.
   * @throws HiveError TOO_LARGE, INVALID_PARAMS
   */
  notify(method: string, params?: object): void {
    if (this.#closeReason !== undefined) return;
    this.#writer.send(notificationText(method, this.#serialiseParams(method, params)));
  }

  /** Sends what waits, then closes. Pending calls fail with CONNECTION_CLOSED. */
  close(reason = 'It was closed on this side.'): void {
    this.#end('closed-here', reason);
  }

  /**
   * Ends the connection but not its stream, which the caller passes on to another process. The peer must not send
   * anything until the other process reads, or this one may take bytes that were meant for it.
   */
  detach(): Duplex {
    this.#finish({ kind: 'closed-here', message: 'Its socket was handed over.' });
    this.#stream.pause();
    return this.#stream;
  }

  #startDispatch(): MessageConnection {
    const rpc = createMessageConnection(this.#reader, this.#writer, undefined, {
      cancellationStrategy: {
        receiver: { createCancellationTokenSource: (id: MessageId) => new RunningRequest(id, this.#requestHost) },
        sender: {
          // The one place where vscode-jsonrpc tells which id it gave to a call.
          enableCancellation: (request) => {
            if (request.id !== null) this.#lastCallId = request.id;
          },
          sendCancellation: async (_connection, id) => this.notify('$/cancelRequest', { id }),
          cleanup: () => {},
        },
      },
    });
    rpc.onRequest((method, params, token) => this.#handleRequest(method, params, token));
    rpc.onNotification((method, params) => {
      if (params instanceof IncomingParams) this.#lane.take(method, params);
    });
    // Progress of no call of this side is a notification like any other: a plugin that starts sends it.
    rpc.onUnhandledProgress((progress) => void this.#options.onNotification?.('$/progress', progress));
    rpc.listen();
    return rpc;
  }

  readonly #requestHost = {
    sendProgress: (token: MessageId, value: unknown) => this.notify('$/progress', { token, value }),
    withdrawn: () => requestWithdrawn(this.name),
  };

  #handleRequest(method: string, params: unknown, token: CancellationToken): unknown {
    if (!(params instanceof IncomingParams) || !(token instanceof RunningRequest)) return toWireError(methodNotFound(method), method);
    if (this.#running.size >= this.#limits.maxRunningRequests) return toWireError(tooBusy(this.#limits.maxRunningRequests), method);
    try {
      if (this.#options.onRequest === undefined) throw methodNotFound(method);
      const result = this.#options.onRequest(method, params.value, token);
      if (!isThenable(result)) return serialise(`The result of ${method}`, result, this.#limits);
      return this.#awaitResult(method, token, result);
    } catch (thrown) {
      return this.#failure(method, token, thrown);
    }
  }

  async #awaitResult(method: string, request: RunningRequest, result: PromiseLike<unknown>): Promise<unknown> {
    this.#running.add(request);
    try {
      return serialise(`The result of ${method}`, await result, this.#limits);
    } catch (thrown) {
      return this.#failure(method, request, thrown);
    } finally {
      this.#running.delete(request);
    }
  }

  #failure(method: string, request: RunningRequest, thrown: unknown): WireError<unknown> {
    // A handler that stops because it was told to throws whatever its tools throw; that is no defect.
    const error = request.isCancellationRequested ? this.#requestHost.withdrawn() : thrown;
    if (!(error instanceof HiveError)) this.#reportDefect(error);
    return toWireError(error, method);
  }

  #serialiseParams(method: string, params: object | undefined): RawJson | undefined {
    if (method.length > this.#limits.maxNameLength) throw new HiveError('INVALID_PARAMS', 'The name of the method is too long.');
    if (params === undefined) return undefined;
    if (typeof params !== 'object') throw new HiveError('INVALID_PARAMS', `The parameters of ${method} are neither an object nor an array.`);
    return serialise(`The parameters of ${method}`, params, this.#limits);
  }

  /** Deadline, signal and progress of one call. An end from this side is an answer from this side: one way out for all. */
  #watchCall(id: MessageId, method: string, options: CallOptions): () => void {
    const deadlineMs = options.deadlineMs ?? this.#options.defaultDeadlineMs ?? 30_000;
    const withdraw = (error: HiveError): void => {
      this.notify('$/cancelRequest', { id });
      this.#reader.inject({ jsonrpc: '2.0', id, error: { code: error.number, message: error.message, data: error.data } });
    };
    const stopDeadline = this.#deadlines.start(deadlineMs, () => withdraw(callTimedOut(this.name, method, deadlineMs)));
    const { signal, onProgress } = options;
    if (signal === undefined && onProgress === undefined) return stopDeadline;
    const onAbort = (): void => withdraw(callCancelled(method));
    signal?.addEventListener('abort', onAbort, { once: true });
    const progress = onProgress && this.#rpc.onProgress(progressType, id, (value) => this.#tellProgress(onProgress, value));
    return () => {
      stopDeadline();
      signal?.removeEventListener('abort', onAbort);
      progress?.dispose();
    };
  }

  #tellProgress(onProgress: (value: unknown) => void, value: unknown): void {
    try {
      onProgress(value);
    } catch (thrown) {
      this.#reportDefect(thrown);
    }
  }

  #watchStream(): void {
    const stream = this.#stream;
    // Stays for good: a socket may report EPIPE long after everybody lost interest, and nobody may crash of it.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') this.#end('peer-ended', 'The peer is gone.');
      else this.#end('socket-error', `The socket failed: ${error.message}.`);
    });
    // Both may come while the reader still has frames of the peer's last words in hand.
    const onEnd = (): void => this.#reader.drain(() => this.#end('peer-ended', 'The peer closed it.'));
    stream.on('end', onEnd);
    stream.on('close', onEnd);
    if (stream.destroyed) this.#end('peer-ended', 'The stream was closed before it was used.');
  }

  /** Tells the peer what is wrong with its stream, as well as can be, and hangs up. */
  #refuseStream(kind: CloseKind, message: string): void {
    this.#writer.sendError(null, -32700, new HiveError('INVALID_PARAMS', message));
    this.#end(kind, message);
  }

  #end(kind: CloseKind, message: string): void {
    if (this.#closeReason !== undefined) return;
    this.#finish({ kind, message });
    // A peer that does not read gets no last words, and what waits for it is given up at once.
    if (kind === 'unread-output') this.#stream.destroy();
    else closeSocket(this.#stream);
  }

  #finish(reason: CloseReason): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#reader.stop();
    this.#lane.stop();
    this.#deadlines.stop();
    if (reason.kind === 'unread-output' || reason.kind === 'socket-error') this.#writer.abandon();
    else this.#writer.finish();
    this.#rpc.dispose();
    for (const request of this.#running) request.abort(connectionClosed(this.name, reason));
    this.#resolveClosed(reason);
  }

  #reportDefect(error: unknown): void {
    try {
      this.#options.onDefect?.(error);
    } catch {
      // Whoever reports defects must not become one: there is nobody left to tell.
    }
  }

  #callError(thrown: unknown): HiveError {
    const reason = this.#closeReason;
    const wasDisposed = thrown instanceof ResponseError && thrown.code === (ErrorCodes.PendingResponseRejected as number);
    return reason !== undefined && wasDisposed ? connectionClosed(this.name, reason) : fromWireError(thrown);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
