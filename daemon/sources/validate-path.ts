import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../shared/config/interpolate.js';
import { loadSourceFile } from '../../shared/config/load-source.js';
import type { DeclaredSettings } from '../../shared/config/plugin-settings.js';
import type { Problem } from '../../shared/config/problem.js';
import { HiveError } from '../../shared/errors/index.js';
import { detectSource } from './detect-source.js';
import { defaultSource } from './source-name.js';

export interface ValidateOptions {
  readonly home: string;
  readonly env: Environment;
  readonly pluginSettings: DeclaredSettings;
}

/**
 * The problems of the YAML file that `path` names (itself, or its folder), read as a source but loaded nowhere.
 * @throws HiveError NOT_FOUND, INVALID_CONFIG (nothing that could be a source), NOT_SUPPORTED (a database)
 */
export async function validatePath(path: string, { home, env, pluginSettings }: ValidateOptions): Promise<Problem[]> {
  const file = await detectSource(path);
  if (file.kind === 'sqlite') throw new HiveError('NOT_SUPPORTED', `${file.path} is a database, whose services are checked as they are written.`, { next: 'Add it as a source: its problems are in `hivectl source list`.' });
  // Some things only the default source may say.
  const isDefault = file.path === join(await realpath(home), 'hive.yaml');
  const loaded = await loadSourceFile(file.path, { source: isDefault ? defaultSource : 'checked', projectRoot: file.projectRoot, env, pluginSettings });
  return loaded.ok ? [] : [...loaded.problems];
}
