import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { EndpointPool } from './backend/endpoint-pool.js';
import { AccessLog, type AccessLogOptions } from './observe/access-log.js';
import { figuresOf, noFigures, type Figures } from './observe/figures.js';
import { tableProblem } from './routes/check-table.js';
import { compileRoute } from './routes/compiled-route.js';
import { RouteIndex } from './routes/route-index.js';
import type { Applied, RouteTable } from './routes/route-table.js';
import { ClientConnection } from './serve/client-connection.js';
import { defaultLimits, type Limits, type ServeContext } from './serve/serve-context.js';

/** An address to listen at, or a listening socket that this process was given. */
export type Place = { readonly host: string; readonly port: number } | { readonly fd: number };

export interface ProxyOptions {
  readonly limits?: Partial<Limits>;
  /** Absent: no access log. */
  readonly accessLog?: AccessLogOptions;
  /** How long requests may go on at an endpoint that has left the table, in milliseconds; 30 s by default. */
  readonly drainLimitMs?: number;
  /** An endpoint that left the table has no request any more. */
  readonly onDrained?: (endpointId: string) => void;
}

const sweepMs = 250;
const backlog = 4096;
const defaultDrainLimitMs = 30_000;

/** Serves HTTP from a table of routes, which can be replaced at any time. */
export class ProxyServer {
  readonly #servers: Server[] = [];
  readonly #context: ServeContext;
  /** Those of the table, by id. */
  #pools = new Map<string, EndpointPool>();
  readonly #draining = new Set<EndpointPool>();
  readonly #accessLog: AccessLog | null;
  #sweep: NodeJS.Timeout | undefined;
  #version: number | null = null;
  #closed: Promise<unknown> | null = null;

  constructor(private readonly options: ProxyOptions = {}) {
    this.#accessLog = options.accessLog === undefined ? null : new AccessLog(options.accessLog);
    this.#context = {
      index: new RouteIndex([]), figures: noFigures(), limits: { ...defaultLimits, ...options.limits }, accessLog: this.#accessLog,
      clients: new Set(), life: 'serving', nextRequestId: requestIds(),
    };
  }

  /** The version of the table that is served; null before the first. */
  get version(): number | null {
    return this.#version;
  }

  get figures(): Figures {
    return this.#context.figures;
  }

  /** Ids of endpoints that left the table and still have requests. */
  get draining(): string[] {
    return [...this.#draining].map((pool) => pool.endpoint.id).filter((id) => !this.#pools.has(id));
  }

  /** Begins to accept connections. Rejects with the system's error when an address cannot be had. */
  async listen(place: Place): Promise<AddressInfo> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => new ClientConnection(socket, this.#context));
    server.maxConnections = this.#context.limits.connections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // As a word of its own: for a descriptor, Node does not heed it among the options, and would make the queue shorter.
      server.listen(place, backlog, resolve);
    });
    server.on('error', () => {});
    this.#servers.push(server);
    this.#sweep ??= setInterval(() => this.#check(), sweepMs);
    return server.address() as AddressInfo;
  }

  /**
   * Serves every request that begins from now on by this table. A table with a mistake is refused as a whole, and the one
   * before it stays. Endpoints that are not in it any more are drained.
   */
  apply(table: RouteTable): Applied {
    const problem = tableProblem(table);
    if (problem !== null) return { ok: false, reason: problem };
    const before = this.#pools;
    const pools = new Map<string, EndpointPool>();
    const compiled = table.routes.map((route) => compileRoute(
      route,
      route.endpoints.map((endpoint) => {
        const pool = pools.get(endpoint.id) ?? this.#poolFor(endpoint, before);
        pools.set(endpoint.id, pool);
        return pool;
      }),
      figuresOf(this.#context.figures, route.service),
    ));
    this.#pools = pools;
    this.#context.index = new RouteIndex(compiled);
    this.#version = table.version;
    for (const pool of before.values()) if (pools.get(pool.endpoint.id) !== pool) this.#drain(pool);
    return { ok: true };
  }

  #poolFor(endpoint: EndpointPool['endpoint'], before: ReadonlyMap<string, EndpointPool>): EndpointPool {
    const isIt = (pool: EndpointPool): boolean => pool.endpoint.id === endpoint.id && pool.endpoint.address === endpoint.address && pool.endpoint.port === endpoint.port;
    const present = before.get(endpoint.id);
    if (present !== undefined && isIt(present)) return present;
    for (const pool of this.#draining) {
      if (!isIt(pool)) continue;
      this.#draining.delete(pool);
      pool.serveAgain();
      return pool;
    }
    return new EndpointPool(endpoint);
  }

  #drain(pool: EndpointPool): void {
    const { id } = pool.endpoint;
    this.#draining.add(pool);
    pool.drain(this.options.drainLimitMs ?? defaultDrainLimitMs, () => {
      this.#draining.delete(pool);
      // Not before `apply` has returned, and not for an id that only moved to another address.
      queueMicrotask(() => {
        if (!this.#pools.has(id)) this.options.onDrained?.(id);
      });
    });
  }

  /**
   * Accepts nothing any more and resolves when every connection is done with, or `limitMs` later, when the rest was cut
   * off. `idle`: connections without a request are closed at once, or kept for one more, so that no request can meet a
   * connection that is being closed. Called again, the sooner end counts.
   */
  async stop(limitMs: number, idle: 'close' | 'keep' = 'close'): Promise<void> {
    const { clients } = this.#context;
    this.#context.life = idle === 'keep' ? 'retiring' : 'stopping';
    const closed = (this.#closed ??= Promise.all(this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))));
    if (idle === 'close') for (const client of [...clients]) if (client.isIdle) client.socket.destroySoon();
    const timer = setTimeout(() => {
      for (const client of [...clients]) client.socket.destroy();
    }, limitMs);
    await closed;
    clearTimeout(timer);
    clearInterval(this.#sweep);
    for (const pool of [...this.#pools.values(), ...this.#draining]) pool.drain(0, () => {});
    await this.#accessLog?.close();
  }

  #check(): void {
    const now = performance.now();
    for (const client of this.#context.clients) client.check(now);
    for (const pool of this.#pools.values()) pool.sweep(now);
  }
}

/** Unique across workers and restarts, and cheap: a random beginning and a number. */
function requestIds(): () => string {
  const beginning = randomBytes(8).toString('hex');
  let count = 0;
  return () => `${beginning}-${(++count).toString(36)}`;
}
