import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RawBackend {
  readonly port: number;
  /** What each connection has received, a byte a character, in the order in which they were opened. */
  readonly received: string[];
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

export const smallAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/**
 * A backend that is only a TCP server: it records every byte, and `answer` says what it does whenever bytes have come.
 * @param answer by default it answers each head with `ok`
 */
export async function startRawBackend(answer: (socket: Socket, text: string, connection: number) => void = answerHeads): Promise<RawBackend> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = received.push('') - 1;
    sockets.add(socket);
    socket.on('data', (bytes) => {
      received[connection] += bytes.toString('latin1');
      answer(socket, bytes.toString('latin1'), connection);
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    sockets,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function answerHeads(socket: Socket, text: string): void {
  for (let at = text.indexOf('\r\n\r\n'); at !== -1; at = text.indexOf('\r\n\r\n', at + 4)) socket.write(smallAnswer);
}
