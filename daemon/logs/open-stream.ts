import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from './durable-files.js';
import { partialSuffix, readLogFileName, type StreamPaths } from './log-paths.js';
import { isPermit, settleCollapse } from './reclaim-space.js';
import { oldestPosition, type Archive, type StreamLayout } from './stream-layout.js';
import { readMeta, writeMeta, type ReadMeta, type StreamMeta } from './stream-meta.js';

export type Warn = (sentence: string) => void;

/**
 * Finds out where the bytes of a stream are, whatever moment the last daemon died at:
 *
 * | it died                                | found                                | then                                     |
 * |----------------------------------------|--------------------------------------|------------------------------------------|
 * | while an archive was copied            | a .partial file                      | it goes; its bytes are in the live file   |
 * | when the archive had its name          | an archive that ends after meta.start | the archive's end is the start            |
 * | between intent and end of a collapse   | meta.collapse                        | the stamp tells whether the blocks went   |
 * | before old archives were deleted       | too many archives                    | the next rotation deletes them            |
 *
 * `reached` is how far the stream had come for certain: a live file that ends before that was emptied from outside.
 */
export async function openLayout(paths: StreamPaths, reached: number, warn: Warn): Promise<StreamLayout> {
  const read = await readMeta(paths.meta);
  const archives = await cleanFolder(paths, read.kind === 'read' && read.meta.collapse !== undefined);
  const last = archives[archives.length - 1];
  const archived = last === undefined ? 0 : last.start + last.size;
  const { base, start } = await settledMeta(paths, read, archived, warn);
  const layout: StreamLayout = { base, start: Math.max(start, archived), archives };
  const size = (await unlessMissing(stat(paths.live)))?.size ?? 0;
  const known = Math.max(layout.start, reached);
  if (base + size >= known) return layout;
  const moved = { base: known, start: known };
  if (oldestPosition(layout) > 0 || known > 0) await writeMeta(paths.meta, moved);
  return { ...moved, archives };
}

/** Takes away what was being written when a daemon died; answers the archives. */
async function cleanFolder(paths: StreamPaths, intended: boolean): Promise<Archive[]> {
  const archives: Archive[] = [];
  for (const name of (await unlessMissing(readdir(paths.folder))) ?? []) {
    if (!name.startsWith(`${paths.name}.`)) continue;
    const path = join(paths.folder, name);
    if (name.endsWith(partialSuffix)) await unlessMissing(unlink(path));
    // Without an intent in the meta file, it belongs to a daemon that died before it told anybody to use it.
    if (isPermit(name) && !intended) await unlessMissing(unlink(path));
    const start = readLogFileName(name)?.archiveStart ?? null;
    if (start === null) continue;
    const stats = await unlessMissing(stat(path));
    if (stats !== null && stats.size > 0) archives.push({ start, size: stats.size });
  }
  return archives.sort((a, b) => a.start - b.start);
}

async function settledMeta(paths: StreamPaths, read: ReadMeta, archived: number, warn: Warn): Promise<StreamMeta> {
  switch (read.kind) {
    case 'read': {
      const { base, start, collapse } = read.meta;
      if (collapse === undefined) return read.meta;
      const gone = await settleCollapse(paths, collapse);
      const settled = { base: gone ? base + collapse.bytes : base, start };
      await writeMeta(paths.meta, settled);
      return settled;
    }
    case 'missing':
      // The meta file is made before the first archive.
      if (archived === 0) return { base: 0, start: 0 };
      break;
    case 'damaged':
      break;
  }
  warn(`The file ${paths.meta} is missing or unreadable, so it is not known exactly where ${paths.live} continues its archives; some lines may be shown as an empty line.`);
  const settled = { base: archived, start: archived };
  await writeMeta(paths.meta, settled);
  return settled;
}
