import type { RouteEndpoint } from '../routes/route-table.js';
import { BackendConnection } from './backend-connection.js';

/** So many failures in a row, without one answer between them, take an endpoint out. */
const failuresUntilEjection = 3;
const firstEjectionMs = 1_000;
const longestEjectionMs = 30_000;
const mostIdle = 64;

type Life = 'serving' | 'draining' | 'drained';

/**
 * One endpoint: its connections, how many requests it has, and whether it can be trusted. An endpoint that left the table
 * gets no new request, and is drained when the last one it has is done.
 */
export class EndpointPool {
  /** Requests that it has now, WebSockets included. */
  active = 0;
  readonly #connections = new Set<BackendConnection>();
  /** The one that was used last is last, and used first. */
  readonly #idle: BackendConnection[] = [];
  #life: Life = 'serving';
  #failures = 0;
  #ejections = 0;
  #ejectedUntil = 0;
  #drainTimer: NodeJS.Timeout | undefined;
  #onDrained: (() => void) | null = null;

  constructor(readonly endpoint: RouteEndpoint) {}

  get isServing(): boolean {
    return this.#life === 'serving';
  }

  get ejectedUntil(): number {
    return this.#ejectedUntil;
  }

  /** An idle connection, or null. @param freshMs it must have been used so recently that its other end will not have given it up */
  takeIdle(now: number, freshMs: number): BackendConnection | null {
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (now - found.idleSince <= Math.min(freshMs, found.idleLimitMs)) return found;
      found.destroy();
    }
    return null;
  }

  connect(): BackendConnection {
    const connection = new BackendConnection(this);
    this.#connections.add(connection);
    return connection;
  }

  /** Keeps a connection for the next request. */
  keep(connection: BackendConnection, now: number): void {
    if (this.#life !== 'serving' || this.#idle.length >= mostIdle) return connection.destroy();
    connection.idleSince = now;
    this.#idle.push(connection);
  }

  forget(connection: BackendConnection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  /** Closes what has been idle for too long. */
  sweep(now: number): void {
    for (let oldest = this.#idle[0]; oldest !== undefined && now - oldest.idleSince > oldest.idleLimitMs; oldest = this.#idle[0]) {
      this.#idle.shift();
      oldest.destroy();
    }
  }

  begin(): void {
    this.active++;
  }

  done(): void {
    this.active--;
    if (this.active === 0 && this.#life === 'draining') this.#becomeDrained();
  }

  succeeded(): void {
    this.#failures = 0;
    this.#ejections = 0;
    this.#ejectedUntil = 0;
  }

  /** It could not be connected to, or did not answer. True: this took it out. */
  failed(now: number): boolean {
    if (++this.#failures < failuresUntilEjection) return false;
    // One more chance after the pause: the next failure takes it out again, for twice as long.
    this.#failures = failuresUntilEjection - 1;
    this.#ejectedUntil = now + Math.min(longestEjectionMs, firstEjectionMs * 2 ** this.#ejections++);
    return true;
  }

  /** Gives it no more requests. What it has may go on for `limitMs`, then it is cut off. */
  drain(limitMs: number, onDrained: () => void): void {
    this.#life = 'draining';
    this.#onDrained = onDrained;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    if (this.active === 0) this.#becomeDrained();
    else this.#drainTimer = setTimeout(() => this.#cutOff(), limitMs);
  }

  /** It is in the table again before it was drained. */
  serveAgain(): void {
    this.#life = 'serving';
    this.#onDrained = null;
    clearTimeout(this.#drainTimer);
  }

  #cutOff(): void {
    for (const connection of [...this.#connections]) connection.destroy(new Error('The endpoint was drained for longer than its limit.'));
  }

  #becomeDrained(): void {
    this.#life = 'drained';
    clearTimeout(this.#drainTimer);
    this.#onDrained?.();
  }
}
