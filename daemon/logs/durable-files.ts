import { open, rename } from 'node:fs/promises';
import { partialSuffix } from './log-paths.js';

/** Replaces a file as a whole: after a crash it holds either the old bytes or the new; surely the new after `syncFolder`. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const partial = path + partialSuffix;
  const file = await open(partial, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

/** Makes names that were added, changed or taken away durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Answers null where `ENOENT` says that there is nothing; throws every other error. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}

/** What the system calls an error, such as ENOSPC. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
