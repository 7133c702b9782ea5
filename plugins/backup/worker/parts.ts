import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMap, parse, parseDocument, type Document } from 'yaml';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { checkDatabase, copyDatabase, restoreDatabase, sayTheSame, serviceInDatabase } from '../snapshot/databases.js';
import { syncFolder } from '../destination/durable-files.js';

export interface ReadServiceOrder {
  /** The database of a source, in a fetched snapshot. */
  readonly database: string;
  readonly service: string;
}

export async function readService({ database, service }: ReadServiceOrder): Promise<{ config: unknown }> {
  return { config: serviceInDatabase(database, service) };
}

export interface CompareOrder {
  readonly kind: 'yaml' | 'sqlite';
  /** The configuration of a source in a fetched snapshot, and as it is now. */
  readonly then: string;
  readonly now: string;
  /** Only this one; null: the whole. */
  readonly service: string | null;
}

/** Whether configuration says now what it said then; what cannot be read says something else. */
export async function compare({ kind, then, now, service }: CompareOrder): Promise<{ same: boolean }> {
  if (kind === 'sqlite' && service === null) return { same: sayTheSame(then, now) };
  try {
    const [before, present] = kind === 'sqlite'
      ? [then, now].map((path) => serviceInDatabase(path, service ?? ''))
      : await Promise.all([then, now].map(async (path) => plainOf(await readFile(path, 'utf8'), service)));
    return { same: isDeepStrictEqual(before, present) };
  } catch {
    return { same: false };
  }
}

function plainOf(text: string, service: string | null): unknown {
  const plain = parse(text) as { services?: Record<string, unknown> } | null;
  return service === null ? plain : plain?.services?.[service];
}

export interface MergeOrder {
  /** A hive.yaml in a fetched snapshot. */
  readonly from: string;
  /** The hive.yaml as it is now. */
  readonly into: string;
  readonly service: string;
}

/** The present text with one service as it is in the other; comments elsewhere stay. @throws HiveError NOT_FOUND, INVALID_CONFIG */
export async function mergeService({ from, into, service }: MergeOrder): Promise<{ text: string }> {
  const [before, present] = await Promise.all([from, into].map(async (path) => parseDocument(await readFile(path, 'utf8')))) as [Document.Parsed, Document.Parsed];
  const wanted = before.getIn(['services', service], true);
  if (wanted === undefined) throw new HiveError('NOT_FOUND', `The snapshot has no service ${service} in this source.`, { next: 'hivectl backup list shows the snapshots.' });
  if (present.errors.length > 0 || !isMap(present.contents)) {
    throw new HiveError('INVALID_CONFIG', `${into} is no YAML that one service could be put into.`, { next: 'Mend it first, or restore the whole source (without --only).' });
  }
  if (!isMap(present.get('services'))) present.set('services', present.createNode({}));
  present.setIn(['services', service], wanted);
  return { text: String(present) };
}

export interface PutOrder {
  readonly copy: string;
  readonly into: string;
  /** Where the present content is kept. */
  readonly keep: string;
}

/** Restores a database that a daemon may have open; one that is no sound database is put aside whole. */
export async function putIntoDatabase({ copy, into, keep }: PutOrder): Promise<object> {
  try {
    await copyDatabase(into, keep);
  } catch {
    for (const suffix of ['', '-wal', '-shm']) {
      await rm(`${keep}${suffix}`, { force: true });
      await rename(`${into}${suffix}`, `${keep}${suffix}`).catch(() => undefined);
    }
    await copyFile(copy, `${into}.restoring`);
    await rename(`${into}.restoring`, into);
    await syncFolder(dirname(into));
    return {};
  }
  await restoreDatabase(copy, into);
  checkDatabase(into);
  return {};
}
