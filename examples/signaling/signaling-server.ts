import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export type Message = Record<string, unknown> & { readonly type: string };

export interface ServerOptions {
  /** What Hives sign their registration with. */
  readonly secret: string;
  /** Key and certificate in PEM: then it speaks wss. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Sees every message of every Hive, in the order in which they come. */
  readonly onMessage?: (hiveId: string, message: Message) => void;
  readonly onRegistered?: (hiveId: string, message: Message) => void;
}

interface Hive { readonly socket: WebSocket; readonly dialect: 'hive' | 'legacy' }

const pathOfHives = '/hive';

/**
 * A signaling server as small as one can be: Hives register over a WebSocket, and whoever uses it sends them requests.
 * It keeps nothing; what a Hive answers goes to `onMessage` and to whoever waits in `ask`.
 */
export class SignalingServer {
  readonly #hives = new Map<string, Hive>();
  readonly #waiting = new Map<string, (answer: Message) => void>();
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;

  constructor(private readonly options: ServerOptions) {
    const { tls } = options;
    this.#server = tls === undefined ? createServer() : createTlsServer({ key: tls.key, cert: tls.cert });
    this.#webSockets = new WebSocketServer({ server: this.#server, path: pathOfHives, maxPayload: 2 ** 20, perMessageDeflate: false });
    this.#webSockets.on('connection', (socket) => this.#welcome(socket));
    this.#webSockets.on('error', () => {});
  }

  /** Port 0: any free one. Answers the URL for Hives. */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    const address = this.#server.address() as AddressInfo;
    return `${this.options.tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${address.port}${pathOfHives}`;
  }

  /** Ids of the Hives that are registered now. */
  get hives(): string[] {
    return [...this.#hives.keys()];
  }

  /** Every connection there is, registered or not. */
  get sockets(): ReadonlySet<WebSocket> {
    return this.#webSockets.clients;
  }

  /** Sends a message as it is; false: that Hive is not registered now. */
  send(hiveId: string, message: Message): boolean {
    const hive = this.#hives.get(hiveId);
    hive?.socket.send(JSON.stringify(message));
    return hive !== undefined;
  }

  /** Sends a request, in the dialect of that Hive, and resolves with its answer. @throws Error when nobody answers in time */
  async ask(hiveId: string, what: 'spawn_cocoon' | 'terminate_cocoon', fields: Readonly<Record<string, unknown>> & { readonly request_id: string }, withinMs = 60_000): Promise<Message> {
    const hive = this.#hives.get(hiveId);
    if (hive === undefined) throw new Error(`The Hive ${hiveId} is not registered.`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(fields.request_id);
        reject(new Error(`The Hive ${hiveId} has not answered within ${withinMs / 1_000} s.`));
      }, withinMs);
      this.#waiting.set(fields.request_id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      hive.socket.send(JSON.stringify({ ...fields, type: hive.dialect === 'hive' ? `hive_${what}` : what }));
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#webSockets.clients) socket.terminate();
    this.#webSockets.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #welcome(socket: WebSocket): void {
    let hiveId: string | null = null;
    socket.on('error', () => {});
    socket.on('close', () => {
      if (hiveId !== null && this.#hives.get(hiveId)?.socket === socket) this.#hives.delete(hiveId);
    });
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as Message;
      if (hiveId !== null) {
        this.#heed(hiveId, message);
        return;
      }
      const dialect = message.type === 'hive_register' ? 'hive' : 'legacy';
      if (!this.#isGenuine(message)) {
        socket.send(JSON.stringify({ type: dialect === 'hive' ? 'system_error' : 'error', message: 'The signature of the registration is wrong.' }));
        socket.close(4001, 'not registered');
        return;
      }
      hiveId = String(message['hive_id']);
      this.#hives.set(hiveId, { socket, dialect });
      socket.send(JSON.stringify({ type: dialect === 'hive' ? 'hive_register_response' : 'hive_registered', hive_id: hiveId }));
      this.options.onRegistered?.(hiveId, message);
    });
  }

  #isGenuine({ type, hive_id: hiveId, hive_id_signature: signature }: Message): boolean {
    if (!['hive_register', 'register_hive'].includes(type) || typeof hiveId !== 'string' || typeof signature !== 'string') return false;
    const expected = createHmac('sha256', this.options.secret).update(hiveId).digest();
    const given = Buffer.from(signature, 'hex');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #heed(hiveId: string, message: Message): void {
    this.options.onMessage?.(hiveId, message);
    const id = String(message['request_id']);
    this.#waiting.get(id)?.(message);
    this.#waiting.delete(id);
  }
}
