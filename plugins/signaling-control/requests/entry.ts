import { dialects, type Dialect } from '../wire/dialect.js';
import type { CocoonRequest } from '../wire/incoming.js';
import type { RequestResult } from '../wire/outgoing.js';

/** What is remembered of a request. There is no setup token in it, and nothing that was made of one. */
export type Entry = { readonly requestId: string; readonly dialect: Dialect; readonly name: string } & (
  /** The service is about to be made, or is being started. */
  | { readonly at: 'spawning'; readonly kind: string }
  /** What was made is being removed; then the request has failed for this reason. */
  | { readonly at: 'undoing'; readonly error: string }
  /** The service was there and is being removed. */
  | { readonly at: 'terminating' }
  /** `owed`: the dialects in which the answer may not have arrived yet. */
  | { readonly at: 'done'; readonly result: RequestResult; readonly owed: readonly Dialect[] }
);

export type SpawningEntry = Extract<Entry, { at: 'spawning' }>;
export type UndoingEntry = Extract<Entry, { at: 'undoing' }>;
export type TerminatingEntry = Extract<Entry, { at: 'terminating' }>;
export type UnfinishedEntry = Exclude<Entry, { at: 'done' }>;
export type DoneEntry = Extract<Entry, { at: 'done' }>;

/** A spawn and a terminate may have the same id. */
export function keyOf(op: CocoonRequest['op'], requestId: string): string {
  return `${op}:${requestId}`;
}

export function keyOfEntry(entry: Entry): string {
  return keyOf(entry.at === 'terminating' || (entry.at === 'done' && entry.result.op === 'terminate') ? 'terminate' : 'spawn', entry.requestId);
}

/** Reads a line of the journal; null for one that was torn by a crash or is none. */
export function parseEntry(line: string): Entry | null {
  try {
    const value = JSON.parse(line) as Partial<Entry> | null;
    const isOne = typeof value === 'object' && value !== null && typeof value.requestId === 'string' && typeof value.name === 'string'
      && dialects.includes(value.dialect as Dialect) && ['spawning', 'undoing', 'terminating', 'done'].includes(value.at ?? '');
    return isOne ? (value as Entry) : null;
  } catch {
    return null;
  }
}

export function failed(op: CocoonRequest['op'], error: string): RequestResult {
  return { op, success: false, error };
}
