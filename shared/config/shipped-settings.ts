import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.js';
import { readDeclarations, type DeclaredSettings, type SettingDeclaration } from './plugin-settings.js';

let read: DeclaredSettings | undefined;

/** The settings that the plugins which ship with Hive declare in their manifests. Read once. */
export function shippedSettings(): DeclaredSettings {
  read ??= readFrom(join(packageRoot(), 'plugins'));
  return read;
}

/** A folder without a manifest, or one that cannot be read, declares nothing: what is wrong with it is told by discovery. */
function readFrom(folder: string): DeclaredSettings {
  const declared: Record<string, Record<string, SettingDeclaration>> = {};
  for (const name of readdirSync(folder)) {
    try {
      const { id = name, settings } = JSON.parse(readFileSync(join(folder, name, 'hive-plugin.json'), 'utf8')) as { id?: string; settings?: unknown };
      if (settings !== undefined) declared[id] = readDeclarations(settings);
    } catch {
      continue;
    }
  }
  return declared;
}
