import type { Duplex } from 'node:stream';
import { HiveError } from '../errors/hive-error.js';
import { defaultHome, homePaths } from '../home-paths.js';
import type { MethodName, Params, Result } from '../protocol/methods.js';
import type { RouteTable } from '../protocol/results.js';
import { connectRpc, dialSocket, type RpcConnection, type RpcOptions } from '../rpc/index.js';
import { clientMethodsPrototype, type CallOptions, type ClientMethods } from './client-methods.js';
import { Follow } from './follow.js';
import { Listeners, type EventBatch, type Listener, type LogBatch, type MetricsSample } from './subscriptions.js';

/** A base class whose methods are the rows of the method table, so that a row needs no code here. */
const MethodTable = function MethodTable() {} as unknown as new () => ClientMethods;
MethodTable.prototype = clientMethodsPrototype() as ClientMethods;

export interface ConnectOptions {
  /** The daemon's home; default `$HIVE_HOME`, or `~/.adi/hive`. */
  readonly home?: string;
  /** The daemon's socket; default `hive.sock` in the home. */
  readonly socket?: string;
  /** How long connecting may take; default 5,000 ms. */
  readonly connectTimeoutMs?: number;
  /** How long a call may take that names no deadline; default 30,000 ms. */
  readonly defaultDeadlineMs?: number;
}

/** A snapshot, and what happened after it. */
export interface FollowedEvents extends Result<'events.subscribe'> {
  /** Leaving the loop ends the subscription. A batch is acknowledged when the next one is asked for. */
  readonly batches: AsyncIterableIterator<EventBatch>;
}

/**
 * Speaks with a daemon: a method per row of shared/protocol/methods.ts (`source.add` → `addSource({path})`), and the
 * notifications that subscriptions bring. Every call has a deadline and rejects with a HiveError.
 */
export class DaemonClient extends MethodTable {
  readonly #events = new Listeners<EventBatch>();
  readonly #logs = new Listeners<LogBatch>();
  readonly #metrics = new Listeners<MetricsSample>();
  readonly #routes = new Listeners<RouteTable>();

  /**
   * Takes an open connection over. Whoever made it passes its notifications on to `take`; `connect` and `over` have done
   * so already.
   */
  constructor(readonly connection: RpcConnection) {
    super();
  }

  /**
   * Connects to a daemon.
   * @throws HiveError DAEMON_UNREACHABLE, PERMISSION_DENIED, TOO_LARGE (path of the socket)
   */
  static async connect(options: ConnectOptions = {}): Promise<DaemonClient> {
    const path = options.socket ?? homePaths(options.home ?? defaultHome()).socket;
    const { connectTimeoutMs, defaultDeadlineMs } = options;
    const deadline = defaultDeadlineMs === undefined ? {} : { defaultDeadlineMs };
    return DaemonClient.over(await dialSocket(path, connectTimeoutMs), { name: 'the daemon', ...deadline });
  }

  /** Speaks over a stream that is connected already. `options.onNotification` receives what is not for the client. */
  static over(stream: Duplex, options: RpcOptions): DaemonClient {
    const connection = connectRpc(stream, {
      ...options,
      onNotification: (method, params) => client.take(method, params) ?? options.onNotification?.(method, params),
    });
    const client = new DaemonClient(connection);
    return client;
  }

  /** Calls a method by its name in the protocol. The daemon validates `params`; the answer is what it sent. */
  async call<M extends MethodName>(method: M, params: Params<M>, options?: CallOptions): Promise<Result<M>> {
    return this.connection.call<Result<M>>(method, params, options);
  }

  /**
   * Takes a notification of the connection. Answers undefined when it is none of the client's, else a promise that
   * settles when the listeners are done: the connection holds the next one back until then.
   */
  take(method: string, params: unknown): Promise<void> | undefined {
    switch (method) {
      case 'event':
        return this.#events.tell(params as EventBatch);
      case 'log':
        return this.#logs.tell(params as LogBatch);
      case 'metrics':
        return this.#metrics.tell(params as MetricsSample);
      case 'routes':
        return this.#routes.tell(params as RouteTable);
      default:
        return undefined;
    }
  }

  /**
   * Receives every batch of the event subscription (`subscribeEvents` starts it). Does not acknowledge: call
   * `acknowledgeEvents` when the effects are done, or the daemon stops sending. Answers the function that removes it.
   */
  onEvents(listener: Listener<EventBatch>): () => void {
    return this.#events.add(listener);
  }

  /** Receives the lines of every log subscription of this connection. Answers the function that removes it. */
  onLogLines(listener: Listener<LogBatch>): () => void {
    return this.#logs.add(listener);
  }

  /** Receives the samples of every metrics subscription of this connection. Answers the function that removes it. */
  onMetrics(listener: Listener<MetricsSample>): () => void {
    return this.#metrics.add(listener);
  }

  /** Receives every new version of the route table (`subscribeRoutes` starts it). Answers the function that removes it. */
  onRoutes(listener: Listener<RouteTable>): () => void {
    return this.#routes.add(listener);
  }

  /** Acknowledges without waiting for an answer. */
  acknowledgeEvents(batch: { readonly epoch: string; readonly through: number }): void {
    this.connection.notify('events.ack', { epoch: batch.epoch, seq: batch.through });
  }

  /** Subscribes to events and iterates over the batches; one at a time on a connection. */
  async followEvents(params: Params<'events.subscribe'> = {}, options?: CallOptions): Promise<FollowedEvents> {
    const follow = new Follow<EventBatch>(async () => {
      remove();
      if (!this.connection.isClosed) await this.unsubscribeEvents().catch(() => undefined);
    });
    const remove = this.onEvents(async (batch) => {
      if (await follow.push(batch)) this.acknowledgeEvents(batch);
    });
    this.#endWithConnection(follow);
    try {
      return { ...(await this.subscribeEvents(params, options)), batches: follow };
    } catch (error) {
      remove();
      throw error;
    }
  }

  /** Subscribes to logs and iterates over the batches; leaving the loop ends the subscription. */
  async followLogs(params: Params<'logs.subscribe'> = {}, options?: CallOptions): Promise<AsyncIterableIterator<LogBatch>> {
    const early: LogBatch[] = [];
    let subscription: string | undefined;
    const follow = new Follow<LogBatch>(async () => {
      remove();
      if (subscription !== undefined && !this.connection.isClosed) await this.unsubscribeLogs({ subscription }).catch(() => undefined);
    });
    const remove = this.onLogLines(async (batch) => {
      if (subscription === undefined) early.push(batch);
      else if (batch.subscription === subscription) await follow.push(batch);
    });
    this.#endWithConnection(follow);
    try {
      const answer = await this.subscribeLogs(params, options);
      subscription = answer.subscription;
    } catch (error) {
      remove();
      throw error;
    }
    for (const batch of early) if (batch.subscription === subscription) void follow.push(batch);
    return follow;
  }

  /** Settles when the connection ended, with the reason; never rejects. */
  get closed(): RpcConnection['closed'] {
    return this.connection.closed;
  }

  /** Ends the connection; calls that wait reject with CONNECTION_CLOSED. */
  close(): void {
    this.connection.close();
  }

  #endWithConnection<Value>(follow: Follow<Value>): void {
    void this.connection.closed.then((reason) => follow.end(connectionClosed(reason.message)));
  }
}

function connectionClosed(reason: string): HiveError {
  return new HiveError('CONNECTION_CLOSED', `The connection to the daemon is closed: ${reason}`, {
    next: 'See hivectl daemon status; connect again and subscribe from the last event you saw.',
  });
}
