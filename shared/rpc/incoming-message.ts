import { HiveError } from '../errors/hive-error.js';
import { parseGuarded, type JsonRefusal } from './json-guards.js';
import type { RpcLimits } from './limits.js';

export type MessageId = string | number;

/** What one frame of a peer is, after every check that does not need to know the methods. */
export type IncomingMessage =
  | { readonly kind: 'request'; readonly id: MessageId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'cancel'; readonly id: MessageId }
  | { readonly kind: 'progress'; readonly token: MessageId; readonly value: unknown }
  | { readonly kind: 'answer'; readonly id: MessageId; readonly result: unknown }
  | { readonly kind: 'error-answer'; readonly id: MessageId; readonly error: unknown }
  /** The peer could not make sense of something that we sent, and cannot say what it was. */
  | { readonly kind: 'complaint'; readonly error: unknown }
  /** Not a message. It is answered with an error and the connection lives on: the frame around it was whole. */
  | { readonly kind: 'refused'; readonly answersTo: MessageId | null; readonly number: number; readonly error: HiveError };

/** JSON-RPC's own numbers for what is not a message; these have no row in the catalogue. */
const parseErrorNumber = -32700;
const invalidRequestNumber = -32600;

/** Reads the body of a frame. Never throws. */
export function readMessage(text: string, limits: RpcLimits): IncomingMessage {
  const json = parseGuarded(text, limits.maxDepth);
  return json.ok ? classify(json.value, limits) : refuseJson(json.refusal, json.value, limits);
}

interface Fields {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

function classify(value: unknown, limits: RpcLimits): IncomingMessage {
  if (Array.isArray(value)) return refuse(null, 'Batches are not supported.', 'Send each message in a frame of its own.');
  if (typeof value !== 'object' || value === null) return refuse(null, 'A message is an object.');
  const message: Fields = value;
  if (message.jsonrpc !== '2.0') return refuse(null, 'A message has "jsonrpc": "2.0".');
  const { id, method } = message;
  if (method === undefined) return classifyAnswer(message, limits);
  if (typeof method !== 'string' || method.length === 0 || method.length > limits.maxNameLength) {
    return refuse(isId(id, limits) ? id : null, `"method" is a string of 1 to ${limits.maxNameLength} characters.`);
  }
  if (id === undefined) return classifyNotification(method, message.params, limits);
  if (!isId(id, limits)) return refuse(null, `"id" is a number or a string of up to ${limits.maxNameLength} characters.`);
  if (!areParams(message.params)) return refuseParams(id);
  return { kind: 'request', id, method, params: message.params };
}

function classifyNotification(method: string, params: unknown, limits: RpcLimits): IncomingMessage {
  if (!areParams(params)) return refuseParams(null);
  // Only these two are the wrapper's own; every other name that starts with `$/` belongs to the handlers.
  if (method !== '$/cancelRequest' && method !== '$/progress') return { kind: 'notification', method, params };
  const { id, token, value } = (params ?? {}) as { id?: unknown; token?: unknown; value?: unknown };
  if (method === '$/cancelRequest') return isId(id, limits) ? { kind: 'cancel', id } : refuseParams(null);
  return isId(token, limits) ? { kind: 'progress', token, value } : refuseParams(null);
}

function classifyAnswer(message: Fields, limits: RpcLimits): IncomingMessage {
  const { id, error, result } = message;
  if (isId(id, limits)) {
    if (error !== undefined && error !== null) return { kind: 'error-answer', id, error };
    return { kind: 'answer', id, result: result ?? null };
  }
  if (id === null && error !== undefined) return { kind: 'complaint', error };
  return refuse(null, 'A message has a "method", or an "id" with a "result" or an "error".');
}

function isId(id: unknown, limits: RpcLimits): id is MessageId {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= limits.maxNameLength);
}

/** null is taken for absent, as several client libraries send it. */
function areParams(params: unknown): boolean {
  return params === undefined || typeof params === 'object';
}

function refuse(answersTo: MessageId | null, message: string, next?: string): IncomingMessage {
  const error = new HiveError('INVALID_PARAMS', `The message is not a JSON-RPC 2.0 message. ${message}`, { next });
  return { kind: 'refused', answersTo, number: invalidRequestNumber, error };
}

function refuseParams(answersTo: MessageId | null): IncomingMessage {
  const error = new HiveError('INVALID_PARAMS', 'Parameters are an object or an array.');
  return { kind: 'refused', answersTo, number: error.number, error };
}

function refuseJson(refusal: JsonRefusal, value: unknown, limits: RpcLimits): IncomingMessage {
  switch (refusal) {
    case 'not-json':
      return {
        kind: 'refused',
        answersTo: null,
        number: parseErrorNumber,
        error: new HiveError('INVALID_PARAMS', 'The message is not JSON.'),
      };
    case 'too-deep':
      return {
        kind: 'refused',
        answersTo: null,
        number: parseErrorNumber,
        error: new HiveError('INVALID_PARAMS', `The message nests deeper than ${limits.maxDepth} levels.`),
      };
    case 'forbidden-key':
      return refuseForbiddenKey(value, limits);
  }
}

function refuseForbiddenKey(value: unknown, limits: RpcLimits): IncomingMessage {
  const error = new HiveError('INVALID_PARAMS', 'The message has a key that reaches for a prototype.', {
    next: 'Rename the key: "__proto__", and "constructor" with a "prototype" in it, are refused everywhere.',
  });
  const { id, method } = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  if (!isId(id, limits)) return { kind: 'refused', answersTo: null, number: error.number, error };
  // In an answer, it is our own caller who has to hear of it: nobody over there waits for that id.
  if (method === undefined) return { kind: 'error-answer', id, error: { code: error.number, message: error.message, data: error.data } };
  return { kind: 'refused', answersTo: id, number: error.number, error };
}
