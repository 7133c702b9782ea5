import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onLines, sendLine, type ControlMessage, type ControlRequest, type Hello } from './control-messages.js';
import { socketPath } from './socket-path.js';

export interface LinkListener {
  drained(endpoint: string): void;
  closed(): void;
}

const againMs = 25;

/** The plugin's connection to one worker. */
export class WorkerLink {
  /** Endpoints that left the table and still have requests there. */
  readonly draining: Set<string>;
  #waiting: { resolve: (message: ControlMessage) => void; reject: (error: Error) => void }[] = [];
  isClosed = false;
  /** Of the table that it serves by. */
  version: number | null;

  private constructor(private readonly socket: Socket, readonly socketName: string, readonly hello: Hello) {
    this.draining = new Set(hello.draining);
    this.version = hello.version;
  }

  /** Null: nobody is there. */
  static async open(folder: string, socketName: string, listener: LinkListener): Promise<WorkerLink | null> {
    return new Promise((resolve) => {
      const socket = connect(socketPath(folder, socketName));
      let link: WorkerLink | null = null;
      onLines<ControlMessage>(socket, (message) => {
        if (message.type === 'hello') resolve((link = new WorkerLink(socket, socketName, message)));
        else link?.take(message, listener);
      });
      socket.on('close', () => {
        if (link === null) return resolve(null);
        link.close();
        listener.closed();
      });
    });
  }

  /** Rejects when the worker dies before it answers. */
  async ask(request: ControlRequest): Promise<ControlMessage> {
    if (this.isClosed) throw new Error('The worker is gone.');
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      sendLine(this.socket, request);
    });
  }

  take(message: ControlMessage, listener: LinkListener): void {
    if (message.type === 'drained') {
      this.draining.delete(message.endpoint);
      return listener.drained(message.endpoint);
    }
    if (message.type === 'applied') {
      this.version = message.version;
      this.draining.clear();
      for (const endpoint of message.draining) this.draining.add(endpoint);
    }
    this.#waiting.shift()?.resolve(message);
  }

  /** Tells it to end; requests may go on for `limitMs`. Resolves when its process has ended. */
  async ended(limitMs: number): Promise<void> {
    await this.ask({ type: 'stop', limitMs }).catch(() => null);
    while (!this.isClosed) await delay(againMs);
  }

  close(): void {
    this.isClosed = true;
    this.draining.clear();
    this.socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The worker is gone.'));
  }
}
