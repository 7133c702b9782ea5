import type { AbstractCancellationTokenSource, CancellationToken } from 'vscode-jsonrpc';
import type { MessageId } from './incoming-message.js';
import { Event } from './json-rpc-library.js';

/** What a handler may use beside its params. */
export interface RequestContext {
  /** Aborted when the caller withdraws the call and when the connection ends; `reason` is a HiveError. */
  readonly signal: AbortSignal;
  /** Tells the caller how far it is: sends `$/progress` with the request's id as its token. */
  progress(value: unknown): void;
}

/**
 * One request of the peer from arrival to answer. It is the handler's context and, for vscode-jsonrpc, its own
 * cancellation token: one object per request instead of four. The AbortController is made only when looked at.
 */
export class RunningRequest implements RequestContext, CancellationToken, AbstractCancellationTokenSource {
  readonly token = this;
  readonly onCancellationRequested = Event.None;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;

  constructor(
    readonly id: MessageId,
    private readonly requests: RequestHost,
  ) {}

  get isCancellationRequested(): boolean {
    return this.#abortReason !== undefined;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortReason !== undefined && !this.#controller.signal.aborted) this.#controller.abort(this.#abortReason);
    return this.#controller.signal;
  }

  progress(value: unknown): void {
    this.requests.sendProgress(this.id, value);
  }

  /** vscode-jsonrpc calls this on `$/cancelRequest`. */
  cancel(): void {
    this.abort(this.requests.withdrawn());
  }

  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  dispose(): void {}
}

/** What a running request needs of its connection. */
export interface RequestHost {
  sendProgress(token: MessageId, value: unknown): void;
  withdrawn(): Error;
}
