import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/**
 * Asks a JSON-RPC server one thing at a time and takes each answer as it comes, unparsed: what a client makes of an
 * answer is not the server's time.
 */
export class RawRpc {
  #received: Buffer[] = [];
  #length = 0;
  #expected = Infinity;
  #answered: (() => void) | null = null;
  #id = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  static async connect(path: string): Promise<RawRpc> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    return new RawRpc(socket);
  }

  /** Resolves with the whole frame. */
  call(method: string, params: object): Promise<Buffer> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: (this.#id += 1), method, params });
    return new Promise((resolve, reject) => {
      this.socket.once('close', reject);
      this.#answered = () => {
        this.socket.off('close', reject);
        const frame = Buffer.concat(this.#received);
        this.#received = [];
        this.#length = 0;
        this.#expected = Infinity;
        resolve(frame);
      };
      this.socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#length += chunk.length;
    if (this.#expected === Infinity) {
      const head = (this.#received.length === 1 ? chunk : Buffer.concat(this.#received)).toString('latin1', 0, 200);
      const end = head.indexOf('\r\n\r\n');
      const declared = /Content-Length: (\d+)/i.exec(head)?.[1];
      if (end >= 0 && declared !== undefined) this.#expected = end + 4 + Number(declared);
    }
    if (this.#length >= this.#expected) this.#answered?.();
  }
}
