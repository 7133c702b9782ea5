import type { Socket } from 'node:net';
import type { Figures } from '../observe/figures.js';
import type { RouteTable } from '../routes/route-table.js';
import type { ListenAddress } from './listen-address.js';

/** What the plugin asks of a worker. Each is answered once, in order. */
export type ControlRequest =
  | { readonly type: 'apply'; readonly table: RouteTable }
  | { readonly type: 'figures' }
  /** Run a program that inherits the listening sockets, as descriptors from 3 on, and answer what it printed. */
  | { readonly type: 'handOver'; readonly program: readonly [string, ...string[]]; readonly environment: Readonly<Record<string, string>> }
  /** Accept nothing any more, and end for good: others serve in its place. Clients are told to use a new connection. */
  | { readonly type: 'retire'; readonly limitMs: number }
  /** Accept nothing any more, finish what there is, and end for good. */
  | { readonly type: 'stop'; readonly limitMs: number };

/** What a worker says. `hello` comes first, `drained` at any time; all others are answers. */
export type ControlMessage =
  | Hello
  | { readonly type: 'drained'; readonly endpoint: string }
  /** `draining`: endpoints that left the table and still have requests in this worker. */
  | { readonly type: 'applied'; readonly version: number; readonly draining: readonly string[] }
  | { readonly type: 'refused'; readonly version: number; readonly reason: string }
  | { readonly type: 'figures'; readonly figures: Figures }
  | { readonly type: 'handedOver'; readonly output: string }
  | { readonly type: 'stopping' };

export interface Hello {
  readonly type: 'hello';
  readonly pid: number;
  readonly setup: string;
  readonly version: number | null;
  readonly draining: readonly string[];
  /** In the order in which a program inherits them. Absent: it is of a version that cannot hand them over. */
  readonly sockets?: readonly ListenAddress[];
  /** It accepts nothing any more. */
  readonly isRetired: boolean;
}

/** One JSON object a line. */
export function sendLine(socket: Socket, message: ControlRequest | ControlMessage): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` with each line that comes. Both ends are Hive's own, so a line that is no JSON ends the connection. */
export function onLines<Message>(socket: Socket, take: (message: Message) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      let message: Message;
      try {
        message = JSON.parse(line) as Message;
      } catch (thrown) {
        socket.destroy(thrown as Error);
        return;
      }
      take(message);
    }
  });
  socket.on('error', () => {});
}
