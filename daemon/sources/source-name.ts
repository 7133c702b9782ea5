import { basename, dirname } from 'node:path';
import { longestName, nameProblem } from '../../shared/config/names.js';
import { HiveError } from '../../shared/errors/index.js';
import type { SourceFile } from './detect-source.js';

/** The source that is always there, in the home folder. */
export const defaultSource = 'default';
/** The SQLite source under the home folder that is made when something is first put into it. */
export const cocoonsSource = 'cocoons';

export function isReservedName(name: string): boolean {
  return name === defaultSource || name === cocoonsSource;
}

/** Checks a name that somebody chose. @throws HiveError INVALID_PARAMS with a sentence. */
export function checkSourceName(name: string): void {
  const problem = nameProblem('source', name);
  if (problem !== null) throw new HiveError('INVALID_PARAMS', problem, { next: 'Choose another name, such as my-project.' });
}

/** Makes a valid source name from where the source is: `/srv/My Shop/.adi/hive.yaml` → `my-shop`, `/srv/jobs.db` → `jobs`. */
export function deriveSourceName(file: SourceFile): string {
  const own = basename(file.path).replace(/\.(ya?ml|db)$/i, '');
  const text = own === 'hive' ? basename(file.projectRoot) : own;
  const valid = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, longestName)
    .replace(/-+$/, '');
  if (valid !== '') return valid;
  throw new HiveError('INVALID_PARAMS', `No source name can be made from the folder name "${basename(dirname(file.path))}".`, {
    next: 'Give one: hivectl source add <path> --name my-project.',
  });
}
