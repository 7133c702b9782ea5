import { connect, type Socket } from 'node:net';
import type { EndpointPool } from './endpoint-pool.js';

/** What a connection tells whoever uses it. */
export interface ConnectionUser {
  backendConnected(): void;
  backendData(bytes: Buffer): void;
  backendDrained(): void;
  /** The backend will send nothing more. */
  backendEnded(): void;
  /** Always last. */
  backendClosed(error: NodeJS.ErrnoException | null): void;
}

/** Shorter than the 5 s for which Node's own servers keep a connection that is idle. */
const idleLimitMs = 4_000;

/** One connection to an endpoint, for one request at a time. */
export class BackendConnection {
  readonly socket: Socket;
  isConnected = false;
  /** How many requests it was used for. */
  uses = 0;
  idleSince = 0;
  idleLimitMs = idleLimitMs;
  user: ConnectionUser | null = null;
  #error: NodeJS.ErrnoException | null = null;

  constructor(readonly pool: EndpointPool) {
    const { address, port } = pool.endpoint;
    const socket = (this.socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }));
    socket.on('connect', () => {
      this.isConnected = true;
      this.user?.backendConnected();
    });
    socket.on('data', (bytes: Buffer) => {
      // Nobody asked: whatever this is, it must not become the answer to the next request.
      if (this.user === null) socket.destroy();
      else this.user.backendData(bytes);
    });
    socket.on('drain', () => this.user?.backendDrained());
    socket.on('end', () => {
      if (this.user === null) socket.destroy();
      else this.user.backendEnded();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error;
    });
    socket.on('close', () => {
      pool.forget(this);
      const user = this.user;
      this.user = null;
      user?.backendClosed(this.#error);
    });
  }

  destroy(error?: Error): void {
    this.socket.destroy(error);
  }
}
