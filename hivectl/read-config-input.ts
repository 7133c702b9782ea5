import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HiveError } from '../shared/errors/hive-error.js';

/** Reads JSON or YAML from a file, or from standard input for `-`. */
export async function readConfigInput(file: string, cwd: string): Promise<unknown> {
  const text = file === '-' ? await readStandardInput() : await readText(resolve(cwd, file));
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error === undefined) return document.toJS({ maxAliasCount: 100 }) as unknown;
  throw new HiveError('INVALID_CONFIG', `${file === '-' ? 'Standard input' : file} is neither JSON nor YAML: ${error.message.split('\n', 1)[0] ?? ''}`, {
    next: 'Mend it and try again; nothing was changed.',
  });
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new HiveError('NOT_FOUND', `${path} cannot be read: ${(error as Error).message}.`, { next: 'Name a file, or - for standard input.' });
  }
}
