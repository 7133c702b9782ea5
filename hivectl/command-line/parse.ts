import { parsePlain } from './parse-plain.js';
import type { Parsed } from './parsed.js';

/**
 * Reads a command line; `columns` is the width that help is written for, null for the usual one.
 * @throws HiveError INVALID_PARAMS with a sentence about what is wrong, and the nearest command for a misspelt one
 */
export async function parse(words: readonly string[], columns: number | null): Promise<Parsed> {
  return parsePlain(words) ?? (await import('./parse-with-yargs.js')).parseWithYargs(words, columns);
}
