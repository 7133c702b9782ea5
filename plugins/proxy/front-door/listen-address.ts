import { lookup } from 'node:dns/promises';
import { createServer, isIP, type Server } from 'node:net';
import { HiveError } from '../../../shared/errors/hive-error.js';

const backlog = 4096;

export interface ListenAddress { readonly host: string; readonly port: number }

/** Reads `host:port`, `[v6]:port`, `:port` and `*:port`; the last two mean every address of the machine. @throws HiveError INVALID_CONFIG */
export function parseListenAddress(text: string): ListenAddress {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+|\*)?):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    throw new HiveError('INVALID_CONFIG', `The proxy cannot listen at ${text}, which is no address.`, { next: 'Write host:port, such as 127.0.0.1:8080.' });
  }
  const host = v6 ?? name ?? '*';
  return { host: host === '*' ? '::' : host, port };
}

/**
 * Opens listening sockets, all or none. As long as the event loop has not turned since this resolved, none of them has
 * accepted a connection here: whoever hands them on and closes them at once loses nobody.
 * @throws HiveError CONFLICT an address is taken
 */
export async function openListeners(texts: readonly string[]): Promise<Server[]> {
  const addresses = await Promise.all(texts.map(resolveListenAddress));
  const servers = addresses.map(() => createServer());
  // All in one turn: listening at IP addresses needs no further one.
  const outcomes = await Promise.allSettled(servers.map((server, index) => listening(server, { ...(addresses[index] as ListenAddress), backlog })));
  const failed = outcomes.findIndex(({ status }) => status === 'rejected');
  if (failed === -1) return servers;
  for (const server of servers) server.close();
  throw listenError(texts[failed] ?? '', (outcomes[failed] as PromiseRejectedResult).reason as NodeJS.ErrnoException);
}

/** With an IP address for a name. @throws HiveError INVALID_CONFIG */
export async function resolveListenAddress(text: string): Promise<ListenAddress> {
  const { host, port } = parseListenAddress(text);
  if (isIP(host) !== 0) return { host, port };
  try {
    return { host: (await lookup(host)).address, port };
  } catch {
    throw new HiveError('INVALID_CONFIG', `The proxy cannot listen at ${host}: there is no such host.`, { next: 'Use an address of this machine, such as 127.0.0.1.' });
  }
}

function listening(server: Server, options: ListenAddress & { backlog: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, resolve);
  });
}

function listenError(text: string, { code, message }: NodeJS.ErrnoException): HiveError {
  if (code === 'EADDRINUSE') {
    return new HiveError('CONFLICT', `The proxy cannot listen at ${text}: another program listens there.`, { next: 'Stop it (ss -ltnp shows it), or set another address under proxy.bind.' });
  }
  const next = code === 'EACCES' ? 'Ports below 1024 need a privilege; use a higher one.' : code === 'EADDRNOTAVAIL' ? 'Use an address of this machine.' : undefined;
  return new HiveError('INVALID_CONFIG', `The proxy cannot listen at ${text}: ${message}.`, next === undefined ? {} : { next });
}
