import { mkdirSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

/**
 * Calls `onChange` soon after something in the plugins folder, or directly in a folder in it, changes; many changes in a
 * row are one call. Returns a function that ends it.
 */
export function watchPluginsFolder(folder: string, onChange: () => void): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const watchers = new Map<string, FSWatcher>();
  let soon: NodeJS.Timeout | undefined;
  const changed = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      watchFolders();
      onChange();
    }, 50);
  };
  const watchOne = (path: string): void => {
    if (watchers.has(path)) return;
    try {
      const watcher = watch(path, changed);
      const drop = (): void => { watcher.close(); watchers.delete(path); };
      watcher.on('error', drop);
      watchers.set(path, watcher);
    } catch {
      // It vanished, or the system's watches are used up: `plugins.reload` works all the same.
    }
  };
  const watchFolders = (): void => {
    const folders = new Set([folder, ...foldersIn(folder)]);
    for (const [path, watcher] of watchers) {
      if (folders.has(path)) continue;
      watcher.close();
      watchers.delete(path);
    }
    for (const path of folders) watchOne(path);
  };
  watchFolders();
  return () => {
    clearTimeout(soon);
    for (const watcher of watchers.values()) watcher.close();
  };
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}
