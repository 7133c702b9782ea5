import type { RequestHead } from '../message/request-head.js';
import type { AccessEntry } from '../observe/access-log.js';
import { countAnswer, type ServiceFigures } from '../observe/figures.js';
import type { ClientConnection } from './client-connection.js';

type Outcome = Omit<AccessEntry, 'client' | 'method' | 'host' | 'path'> & { readonly figures: ServiceFigures | null };

/** Counts a request that is over, and writes its line. */
export function accountFor({ context, address }: ClientConnection, request: RequestHead, { figures, ...outcome }: Outcome): void {
  if (figures !== null) {
    figures.active--;
    figures.bytesOut += outcome.bytes;
    countAnswer(figures, outcome.status, outcome.durationMs);
  }
  context.accessLog?.add({
    ...outcome, client: address, method: request.method, host: request.host, path: request.target.slice(0, request.pathLength),
    durationMs: Math.round(outcome.durationMs * 1000) / 1000,
  });
}
