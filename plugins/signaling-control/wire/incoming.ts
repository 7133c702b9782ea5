import { isUtf8 } from 'node:buffer';
import { meaningOf, type Dialect } from './dialect.js';

export interface SpawnRequest {
  readonly op: 'spawn';
  readonly dialect: Dialect;
  readonly requestId: string;
  /** A secret. */
  readonly setupToken: string;
  /** Null: a name is to be made. */
  readonly name: string | null;
  readonly kind: string;
}

export interface TerminateRequest {
  readonly op: 'terminate';
  readonly dialect: Dialect;
  readonly requestId: string;
  readonly containerId: string;
}

export type CocoonRequest = SpawnRequest | TerminateRequest;

/** What a frame turned out to be. */
export type Incoming =
  | { readonly is: 'request'; readonly request: CocoonRequest }
  /** A request that names itself and is wrong otherwise, whatever the state of things. */
  | { readonly is: 'refused'; readonly op: CocoonRequest['op']; readonly dialect: Dialect; readonly requestId: string; readonly error: string }
  | { readonly is: 'registered' }
  | { readonly is: 'serverError'; readonly message: string }
  | { readonly is: 'unknown'; readonly type: string }
  | { readonly is: 'malformed'; readonly why: string };

/** In characters. */
const longestRequestId = 512;
/** Linux takes no environment variable of more than 128 KiB. */
const longestToken = 65_536;

/** Reads one frame. What comes from the other side is never trusted to have any shape. */
export function readFrame(data: Buffer, isBinary: boolean): Incoming {
  if (isBinary) return malformed('a binary frame');
  if (!isUtf8(data)) return malformed('not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    return malformed('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed('no JSON object');
  const fields = value as Record<string, unknown>;
  const type = own(fields, 'type');
  if (typeof type !== 'string') return malformed('without a type');
  const found = meaningOf(type);
  switch (found?.meaning) {
    case 'spawn': return readSpawn(fields, found.dialect);
    case 'terminate': return readTerminate(fields, found.dialect);
    case 'registered': return { is: 'registered' };
    case 'serverError': {
      const message = own(fields, 'message');
      return { is: 'serverError', message: typeof message === 'string' ? message : 'no reason given' };
    }
    // What we send ourselves: nothing to do with it when it comes back.
    case 'register': case 'spawnResult': case 'terminateResult': case undefined:
      return { is: 'unknown', type };
  }
}

function readSpawn(fields: Record<string, unknown>, dialect: Dialect): Incoming {
  const requestId = readRequestId(fields);
  if (requestId === null) return malformed('a spawn without a request_id');
  const refused = (error: string): Incoming => ({ is: 'refused', op: 'spawn', dialect, requestId, error });
  const [kind, setupToken, name = null] = [own(fields, 'kind'), own(fields, 'setup_token'), own(fields, 'name')];
  if (typeof kind !== 'string') return refused('The field kind is missing or no text.');
  if (typeof setupToken !== 'string') return refused('The field setup_token is missing or no text.');
  if (setupToken.length > longestToken) return refused(`The setup_token is longer than ${longestToken} characters.`);
  if (setupToken.includes('\0') || /\p{Surrogate}/u.test(setupToken)) return refused('The setup_token holds a character that no environment variable can hold.');
  if (name !== null && typeof name !== 'string') return refused('The field name is no text.');
  return { is: 'request', request: { op: 'spawn', dialect, requestId, setupToken, name, kind } };
}

function readTerminate(fields: Record<string, unknown>, dialect: Dialect): Incoming {
  const requestId = readRequestId(fields);
  if (requestId === null) return malformed('a terminate without a request_id');
  const containerId = own(fields, 'container_id');
  if (typeof containerId !== 'string') return { is: 'refused', op: 'terminate', dialect, requestId, error: 'The field container_id is missing or no text.' };
  return { is: 'request', request: { op: 'terminate', dialect, requestId, containerId } };
}

function readRequestId(fields: Record<string, unknown>): string | null {
  const id = own(fields, 'request_id');
  return typeof id === 'string' && id !== '' && id.length <= longestRequestId ? id : null;
}

function own(fields: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function malformed(why: string): Incoming {
  return { is: 'malformed', why };
}
