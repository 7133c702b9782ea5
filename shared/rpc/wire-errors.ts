import type { ResponseError as WireError } from 'vscode-jsonrpc';
import { errorCatalogue, type ErrorCode } from '../errors/catalogue.js';
import { HiveError, hiveErrorFromWire, isErrorCode } from '../errors/hive-error.js';
import { ResponseError } from './json-rpc-library.js';

/** The error of a handler as it travels. What is no HiveError is a defect: its first line travels, its stack never. */
export function toWireError(thrown: unknown, method: string): WireError<HiveError['data']> {
  const error = thrown instanceof HiveError ? thrown : internalError(thrown, method);
  return new ResponseError(error.number, error.message, error.data);
}

function internalError(thrown: unknown, method: string): HiveError {
  const message = thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : 'no reason given';
  const firstLine = (message.split('\n', 1)[0] ?? '').slice(0, 300);
  return new HiveError('INTERNAL', `${method} failed: ${firstLine}`, {
    next: 'The log of the process that answered has the details.',
  });
}

/** Rebuilds what the peer threw. Peers that do not know our codes are understood by JSON-RPC's numbers. */
export function fromWireError(error: unknown): HiveError {
  const { code, message, data } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const sentence = typeof message === 'string' ? message : 'The peer answered with an error that says nothing.';
  const ownCode = typeof data === 'object' && data !== null ? (data as { code?: unknown }).code : undefined;
  if (isErrorCode(ownCode)) return hiveErrorFromWire(sentence, data);
  return new HiveError(codeOfNumber(code), sentence, data === undefined ? {} : { data: { peerData: data } });
}

function codeOfNumber(number: unknown): ErrorCode {
  for (const [code, row] of Object.entries(errorCatalogue)) if (row.number === number) return code as ErrorCode;
  return 'INTERNAL';
}

export function methodNotFound(method: string): HiveError {
  return new HiveError('METHOD_NOT_FOUND', `There is no method ${method}.`, {
    next: 'Both sides may be of different versions; docs/protocol.md lists the methods.',
    data: { method },
  });
}
