import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exported, ExportedSource } from './exported.js';
import type { BackedUpFile } from './manifest.js';

/** One file of a snapshot that is being made. */
export interface Collected extends Pick<BackedUpFile, 'name' | 'role' | 'source' | 'path' | 'mode'> {
  readonly content: Uint8Array;
}

export interface Collection {
  readonly files: readonly Collected[];
  /** What could not be had, as sentences. */
  readonly missing: readonly string[];
}

/**
 * Gathers what a snapshot is made of: what the daemon said, YAML as it is live, databases through SQLite's own backup, and
 * dotenv files. What cannot be read is named and left out. `scratch` is an empty folder for copies of databases.
 */
export async function collect({ state, sources }: Exported, scratch: string, withDotenv: boolean): Promise<Collection> {
  const files: Collected[] = [{ name: 'state.json', role: 'state', source: null, path: null, mode: 0o600, content: Buffer.from(`${JSON.stringify(state, null, 2)}\n`) }];
  const missing: string[] = [];
  for (const source of sources) {
    const config = await configOf(source, scratch).catch((error: Error) => {
      missing.push(`The configuration of source ${source.name} (${source.path}) could not be read: ${error.message}.`);
      return null;
    });
    if (config !== null) files.push(config);
    if (!withDotenv) continue;
    for (const [index, path] of source.dotenv.entries()) {
      const content = await readFile(path).catch(() => null);
      if (content === null) continue;
      files.push({ name: `sources/${source.name}/dotenv-${index + 1}`, role: 'dotenv', source: source.name, path, mode: (await modeOf(path)) ?? 0o600, content });
    }
  }
  return { files, missing };
}

async function configOf(source: ExportedSource, scratch: string): Promise<Collected | null> {
  const { name, kind, path, text } = source;
  const common = { role: 'config', source: name, path, mode: (await modeOf(path)) ?? 0o600 } as const;
  switch (kind) {
    case 'yaml': {
      // The default source of a home without hive.yaml is empty, and no file.
      if (source.name === 'default' && (await isAbsent(path)) && source.services.length === 0) return null;
      return { ...common, name: `sources/${name}/hive.yaml`, content: text === null ? await readFile(path) : Buffer.from(text) };
    }
    case 'sqlite': {
      await access(path);
      const { copyDatabase } = await import('./databases.js');
      const copy = join(scratch, `${name}.db`);
      await copyDatabase(path, copy);
      return { ...common, name: `sources/${name}/hive.db`, content: await readFile(copy) };
    }
  }
}

async function modeOf(path: string): Promise<number | null> {
  return stat(path).then(({ mode }) => mode & 0o777, () => null);
}

async function isAbsent(path: string): Promise<boolean> {
  return access(path).then(() => false, () => true);
}
