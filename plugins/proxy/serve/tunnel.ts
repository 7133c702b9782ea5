import type { BackendConnection, ConnectionUser } from '../backend/backend-connection.js';
import type { ClientConnection, ClientUser } from './client-connection.js';

/**
 * After a switch of protocols: bytes both ways, unchanged. When one side ends, the other is told so and may go on; when
 * one side breaks, the other is broken too. A tunnel may be silent for as long as it likes.
 */
export class Tunnel implements ClientUser, ConnectionUser {
  #clientHasEnded = false;
  #isOver = false;

  /** @param onOver when nothing can pass any more; called once */
  constructor(private readonly client: ClientConnection, private readonly backend: BackendConnection, private readonly onOver: () => void) {
    client.socket.setKeepAlive(true, 30_000);
  }

  begin(): void {
    this.client.handOver(this);
    this.backend.user = this;
    this.clientData();
    if (this.client.socket.readableEnded) this.clientEnded();
  }

  clientData(): void {
    const { socket } = this.backend;
    if (socket.writableNeedDrain) return;
    const bytes = this.client.takeWaiting();
    if (bytes !== null && !socket.destroyed) socket.write(bytes);
    if (this.#clientHasEnded) socket.end();
  }

  backendDrained(): void {
    this.clientData();
  }

  clientEnded(): void {
    this.#clientHasEnded = true;
    this.clientData();
  }

  backendData(bytes: Buffer): void {
    if (!this.client.socket.write(bytes)) this.backend.socket.pause();
  }

  clientDrained(): void {
    this.backend.socket.resume();
  }

  backendEnded(): void {
    this.client.socket.end();
  }

  backendClosed(error: NodeJS.ErrnoException | null): void {
    if (error !== null) this.client.socket.resetAndDestroy();
    else this.client.socket.destroySoon();
    this.#over();
  }

  clientClosed(): void {
    if (this.client.socket.errored !== null) this.backend.socket.resetAndDestroy();
    else this.backend.socket.destroySoon();
    this.#over();
  }

  backendConnected(): void {
    // It is connected, or there were no tunnel.
  }

  check(): void {
    // Peers that vanish are found by TCP keep-alive.
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onOver();
  }
}
