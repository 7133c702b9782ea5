import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kind } from '../kinds.js';

/** The compose file of a kind: its own, or one in the plugin's folder that runs its image. */
export function composeFileOf(kind: Kind, dataDir: string): string {
  return kind.composeFile ?? join(dataDir, 'compose', `${kind.id}.yaml`);
}

/**
 * Writes the file for a kind that names only an image. Variables are passed on by name, so that no value is in it; JSON is
 * YAML, and needs no quoting of our own.
 */
export function writeComposeFile(kind: Kind, dataDir: string): void {
  if (kind.runner !== 'compose' || kind.composeFile !== null) return;
  const content = {
    version: '3',
    services: {
      [kind.composeService]: {
        image: kind.image.replaceAll('$', '$$$$'),
        environment: ['SIGNALING_SERVER_URL', 'COCOON_SETUP_TOKEN', 'COCOON_NAME', 'COCOON_KIND', 'PORT'],
        ports: ['${PORT}:${PORT}'],
      },
    },
  };
  const path = composeFileOf(kind, dataDir);
  mkdirSync(join(dataDir, 'compose'), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
