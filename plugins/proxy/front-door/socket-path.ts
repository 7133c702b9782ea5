import { openSync } from 'node:fs';
import { join } from 'node:path';

/** Longer paths are silently cut off by Node. */
const longestPath = 107;
const folders = new Map<string, number>();

/** A path by which a socket in a folder can be connected to, however long the folder's own is. */
export function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= longestPath) return path;
  const descriptor = folders.get(folder) ?? openSync(folder, 'r');
  folders.set(folder, descriptor);
  return `/proc/self/fd/${descriptor}/${name}`;
}
