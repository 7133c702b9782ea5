import type { Environment } from '../../shared/config/interpolate.js';
import { loadSourceFile } from '../../shared/config/load-source.js';
import type { Problem } from '../../shared/config/problem.js';
import { HiveError } from '../../shared/errors/index.js';
import { detectSource } from './detect-source.js';

/**
 * The problems of the YAML file that `path` names (itself, or its folder), read as a source but loaded nowhere.
 * @throws HiveError NOT_FOUND, INVALID_CONFIG (nothing that could be a source), NOT_SUPPORTED (a database)
 */
export async function validatePath(path: string, env: Environment): Promise<Problem[]> {
  const file = await detectSource(path);
  if (file.kind === 'sqlite') throw new HiveError('NOT_SUPPORTED', `${file.path} is a database, whose services are checked as they are written.`, { next: 'Add it as a source: its problems are in `hivectl source list`.' });
  const loaded = await loadSourceFile(file.path, { source: 'checked', projectRoot: file.projectRoot, env });
  return loaded.ok ? [] : [...loaded.problems];
}
