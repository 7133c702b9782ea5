import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRpc, dialRpc, listenRpc, type RpcConnection, type RpcOptions, type RpcServer } from '../../shared/rpc/index.js';

type Side = Partial<RpcOptions>;

/** A real server on a real socket in a folder of its own. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'hive-rpc-'));
  readonly path = join(this.folder, 'hive.sock');
  readonly served: RpcConnection[] = [];
  readonly defects: unknown[] = [];
  #server: RpcServer | undefined;
  #clients: RpcConnection[] = [];
  #sockets: Socket[] = [];

  async serve(options: Side = {}): Promise<void> {
    this.#server = await listenRpc(this.path, (socket) => {
      this.served.push(connectRpc(socket, { name: 'the client', onDefect: (error) => void this.defects.push(error), ...options }));
    });
  }

  async dial(options: Side = {}): Promise<RpcConnection> {
    const connection = await dialRpc(this.path, { name: 'the server', ...options });
    this.#clients.push(connection);
    return connection;
  }

  /** A client that writes what it likes. */
  async dialRaw(): Promise<RawClient> {
    const socket = createConnection(this.path);
    await once(socket, 'connect');
    this.#sockets.push(socket);
    return new RawClient(socket);
  }

  /** The server's side of the connection made last. */
  async lastServed(): Promise<RpcConnection> {
    await until(() => this.served.length > 0);
    return this.served[this.served.length - 1] as RpcConnection;
  }

  stop(): void {
    for (const connection of [...this.#clients, ...this.served]) connection.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class RawClient {
  received = '';
  ended = false;

  constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
    });
    socket.on('end', () => {
      this.ended = true;
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  send(message: unknown): void {
    this.write(frameOf(typeof message === 'string' ? message : JSON.stringify(message)));
  }

  get messages(): Record<string, unknown>[] {
    const bodies = this.received.split(/Content-Length: \d+\r\n\r\n/).filter((body) => body !== '');
    return bodies.map((body) => JSON.parse(body) as Record<string, unknown>);
  }
}

export function frameOf(body: string): string {
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Waits for a fact; fails when it has not come true within 10 s. */
export async function until(fact: () => boolean, what = fact.toString()): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!fact()) {
    if (performance.now() > deadline) throw new Error(`Not true within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
