import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

let found: string | undefined;

/** Absolute path of the folder that holds Hive's package.json, whether this runs from dist/ or from the sources. */
export function packageRoot(): string {
  found ??= findUpwards(path.dirname(fileURLToPath(import.meta.url)));
  return found;
}

function findUpwards(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name === 'hive') return folder;
    }
    if (folder === path.dirname(folder)) throw new Error(`No package.json of "hive" above ${start}.`);
  }
}
