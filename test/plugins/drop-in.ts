import { chmodSync, copyFileSync, cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';

export const fixtures = join(packageRoot(), 'test', 'fixtures', 'plugins');
export const examples = join(packageRoot(), 'examples', 'plugins');

/** Puts an executable file into a plugins folder, the way people should: whole at once. Answers its path. */
export function dropFile(pluginsFolder: string, source: string, name = basename(source)): string {
  const target = join(pluginsFolder, name);
  copyFileSync(source, `${pluginsFolder}.new`);
  chmodSync(`${pluginsFolder}.new`, 0o700);
  renameSync(`${pluginsFolder}.new`, target);
  return target;
}

/** Puts a folder with a manifest into a plugins folder. */
export function dropFolder(pluginsFolder: string, name: string, manifest: object, from?: string): string {
  const target = join(pluginsFolder, name);
  mkdirSync(target, { mode: 0o700 });
  if (from !== undefined) cpSync(from, target, { recursive: true });
  writeFileSync(join(target, 'hive-plugin.json'), JSON.stringify(manifest), { mode: 0o600 });
  return target;
}

/** Puts one of the fixtures into a plugins folder, as a plugin of the same name. */
export function dropFixture(pluginsFolder: string, fixture: string, manifest: object = {}, ...args: string[]): void {
  dropFolder(pluginsFolder, fixture, { command: ['python3', join(fixtures, `${fixture}.py`), ...args], ...manifest });
}
