import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SignalingServer } from './signaling-server.js';

/** What ask.ts sends: POST /spawn {kind?, name?} or POST /terminate {name}; answered with what the Hive answers. */
interface Asked { readonly kind?: string; readonly name?: string }

/** Lets a command ask for cocoons through a signaling server, over HTTP at an address of its own. */
export function serveAskers(server: SignalingServer, hiveId: string): { listen(): Promise<string>; close(): void } {
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(`${JSON.stringify(body)}\n`);
      };
      try {
        const asked = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Asked;
        ask(server, hiveId, request.url ?? '', asked).then((message) => answer(200, message), (error: Error) => answer(502, { error: error.message }));
      } catch {
        answer(400, { error: 'That is not JSON.' });
      }
    });
  });
  return {
    listen: async () => {
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    },
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
}

async function ask(server: SignalingServer, hiveId: string, path: string, { kind = 'default', name }: Asked): Promise<unknown> {
  const request_id = randomUUID();
  switch (path) {
    case '/spawn': return server.ask(hiveId, 'spawn_cocoon', { request_id, setup_token: randomUUID(), kind, ...(name === undefined ? {} : { name }) });
    case '/terminate': return server.ask(hiveId, 'terminate_cocoon', { request_id, container_id: name });
    default: throw new Error(`There is /spawn and /terminate, and no ${path}.`);
  }
}
