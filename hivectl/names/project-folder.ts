import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Source } from '../../shared/protocol/results.js';

/** The folder that a source is registered for when it is described there. */
export interface ProjectFolder {
  readonly root: string;
  readonly file: string;
}

/** Walks up from `start` to the first folder with `.adi/hive.yaml` or `hive.db`. */
export function findProjectFolder(start: string): ProjectFolder | null {
  for (let folder = start; ; folder = dirname(folder)) {
    for (const file of [join(folder, '.adi', 'hive.yaml'), join(folder, 'hive.db')]) {
      if (existsSync(file)) return { root: folder, file };
    }
    if (folder === dirname(folder)) return null;
  }
}

/** The registered source of a project folder, however its path was written. */
export function sourceOfFolder(project: ProjectFolder, sources: readonly Source[]): Source | undefined {
  const paths = [project.root, project.file, join(project.root, '.adi')];
  return sources.find(({ path }) => paths.includes(path));
}
