import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '../front-door/listen-address.js';
import type { Figures } from './figures.js';
import { prometheusText } from './prometheus.js';

export interface MetricsServer { readonly address: AddressInfo; close(): Promise<void> }

/**
 * Answers `GET /metrics` at an address of its own, so that figures are never served to the world by accident.
 * Rejects with the system's error when the address cannot be had. node:http is loaded only here: it costs memory.
 */
export async function serveMetrics(at: ListenAddress, figures: () => Promise<Figures>): Promise<MetricsServer> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) return void response.writeHead(404).end('The metrics are at /metrics.\n');
    figures().then(
      (now) => response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(prometheusText(now)),
      (error: unknown) => response.writeHead(503).end(`${String(error)}\n`),
    );
  });
  server.listen(at);
  await once(server, 'listening');
  return {
    address: server.address() as AddressInfo,
    close: async () => {
      server.closeAllConnections();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
