import type { AccessLog } from '../observe/access-log.js';
import type { Figures } from '../observe/figures.js';
import type { RouteIndex } from '../routes/route-index.js';
import type { ClientConnection } from './client-connection.js';

/** Bounds that a client meets, in milliseconds unless said otherwise. */
export interface Limits {
  /** From the first byte of a request until its headers are complete; also until a new connection has sent its first byte. */
  readonly headMs: number;
  /** Between requests. */
  readonly idleMs: number;
  /** Until a backend has accepted a connection. */
  readonly connectMs: number;
  /** How long a client may leave an answer unread. */
  readonly unreadMs: number;
  /** Connections of clients. A number. */
  readonly connections: number;
}

export const defaultLimits: Limits = { headMs: 10_000, idleMs: 75_000, connectMs: 5_000, unreadMs: 60_000, connections: 16_384 };

/** What all connections of a worker share. */
export interface ServeContext {
  /** The table that is served now. */
  index: RouteIndex;
  readonly figures: Figures;
  readonly limits: Limits;
  readonly accessLog: AccessLog | null;
  readonly clients: Set<ClientConnection>;
  /** Unless it is serving, answers say that the connection will not be used again; when stopping, idle ones are closed, too. */
  life: 'serving' | 'retiring' | 'stopping';
  nextRequestId(): string;
}
