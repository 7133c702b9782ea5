import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { until } from '../../support/until.js';

/** A connection of a client, to which any bytes can be written. */
export class RawClient {
  text = '';
  readonly chunks: Buffer[] = [];
  hasEnded = false;
  error: NodeJS.ErrnoException | null = null;
  isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.text += bytes.toString('latin1');
    });
    socket.on('end', () => (this.hasEnded = true));
    socket.on('error', (error) => (this.error = error));
    socket.on('close', () => (this.isClosed = true));
  }

  static async open(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: options.allowHalfOpen ?? false });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  async receives(part: string | RegExp, withinMs?: number): Promise<string> {
    return until(() => ((typeof part === 'string' ? this.text.includes(part) : part.test(this.text)) ? this.text : undefined), `the client to receive ${String(part)}, it has ${JSON.stringify(this.text)}`, withinMs);
  }

  async closes(withinMs?: number): Promise<void> {
    await until(() => (this.isClosed ? true : undefined), `the connection to be closed, it has ${JSON.stringify(this.text.slice(-300))}`, withinMs);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** One request on a connection of its own, and everything that came until it was closed. */
export async function exchangeRaw(port: number, text: string): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(text);
  await client.closes();
  return client;
}
