import { readFile } from 'node:fs/promises';
import { replaceFile, unlessMissing } from './durable-files.js';

/** What is remembered of the live file beside it, replaced as a whole. */
export interface StreamMeta {
  /** Position in the stream of the live file's first byte. */
  readonly base: number;
  /** Position of the first byte that is read from the live file, unless the last archive ends later. */
  readonly start: number;
  /** Set while blocks are being taken from the front of the live file (reclaim-space.ts). */
  readonly collapse?: CollapseIntent;
}

export interface CollapseIntent {
  /** How many bytes go. */
  readonly bytes: number;
  /** 64 random hex digits that the live file begins with until the bytes are gone. */
  readonly stamp: string;
}

export type ReadMeta = { readonly kind: 'read'; readonly meta: StreamMeta } | { readonly kind: 'missing' } | { readonly kind: 'damaged' };

export async function readMeta(path: string): Promise<ReadMeta> {
  const text = await unlessMissing(readFile(path, 'utf8'));
  if (text === null) return { kind: 'missing' };
  const meta = parseMeta(text);
  return meta === null ? { kind: 'damaged' } : { kind: 'read', meta };
}

export function writeMeta(path: string, meta: StreamMeta): Promise<void> {
  return replaceFile(path, `${JSON.stringify(meta)}\n`);
}

function parseMeta(text: string): StreamMeta | null {
  try {
    const { base, start, collapse } = JSON.parse(text) as Partial<StreamMeta>;
    if (!isPosition(base) || !isPosition(start)) return null;
    if (collapse === undefined) return { base, start };
    return isPosition(collapse.bytes) && /^[0-9a-f]{64}$/.test(collapse.stamp) ? { base, start, collapse } : null;
  } catch {
    return null;
  }
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
