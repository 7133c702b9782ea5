import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { syncFolder, unlessMissing } from './durable-files.js';
import { archiveName, partialSuffix } from './log-paths.js';
import type { LogStream } from './log-stream.js';
import type { SpaceReclaimer } from './reclaim-space.js';
import { planRotation, type LogPolicy } from './rotation-plan.js';
import { writeMeta } from './stream-meta.js';

/** The instants of a rotation at which a kill has to be survived, in order. */
export const rotationSteps = ['copied', 'synced', 'archived', 'stamped', 'intended', 'collapsing', 'collapsed', 'settled', 'retained'] as const;
export type RotationStep = (typeof rotationSteps)[number];

/** After so many archives the live file's front is given back before there are more. */
const archivesAtOnce = 4;
const copyBytes = 256 * 1024;

/**
 * Rotates a stream while its service writes: copies its oldest bytes, which nobody changes any more, to archives, and
 * then takes them from the front of the live file. Answers how many archives were made.
 */
export async function rotate(stream: LogStream, policy: LogPolicy, reclaimer: SpaceReclaimer, onStep: (step: RotationStep) => void): Promise<number> {
  let made = 0;
  for (let moved = false; ; moved = true) {
    const end = (await stream.look()).offset;
    const plan = made < archivesAtOnce ? planRotation(stream.layout.start, end, policy) : ({ kind: 'wait' } as const);
    if (plan.kind === 'wait') {
      if (moved) await reclaimer.reclaim(stream);
      break;
    }
    const cut = await lineEndBefore(stream, plan.before, policy.maxSizeBytes);
    if (plan.kind === 'drop') {
      stream.moveStart(cut);
      continue;
    }
    await archive(stream, cut, onStep);
    made += 1;
  }
  await retain(stream, policy.maxFiles);
  onStep('retained');
  return made;
}

/** Deletes the oldest archives until `most` are left. */
export async function retain(stream: LogStream, most: number): Promise<void> {
  const { archives } = stream.layout;
  const surplus = archives.slice(0, Math.max(0, archives.length - most));
  for (const old of surplus) {
    stream.dropArchives((one) => one === old);
    await unlessMissing(unlink(archiveName(stream.paths.live, old.start)));
  }
}

async function archive(stream: LogStream, cut: number, onStep: (step: RotationStep) => void): Promise<void> {
  const { base, start, archives } = stream.layout;
  const { live, meta, folder } = stream.paths;
  // Without a meta file, archives would look as if it was lost.
  if (archives.length === 0) await writeMeta(meta, { base, start });
  const path = archiveName(live, start);
  const from = await open(live, 'r');
  try {
    const to = await open(path + partialSuffix, 'w', 0o600);
    try {
      await copySlice(from, start - base, cut - base, to);
      onStep('copied');
      await to.datasync();
    } finally {
      await to.close();
    }
  } catch (error) {
    await unlessMissing(unlink(path + partialSuffix));
    throw error;
  } finally {
    await from.close();
  }
  onStep('synced');
  if (stream.layout.base !== base) throw new Error(`The file ${live} was emptied while it was rotated.`);
  await rename(path + partialSuffix, path);
  await syncFolder(folder);
  stream.addArchive({ start, size: cut - start });
  onStep('archived');
}

async function copySlice(from: FileHandle, begin: number, end: number, to: FileHandle): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, end - begin));
  for (let at = begin; at < end; ) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0) throw new Error('The log file became shorter while it was copied.');
    await to.writeFile(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

const searchBytes = 64 * 1024;

/** The last line end in the `within` bytes before `position`; `position` itself where there is none: then a line is cut. */
async function lineEndBefore(stream: LogStream, position: number, within: number): Promise<number> {
  const lowest = Math.max(stream.layout.start, position - within);
  for (let until = position; until > lowest; ) {
    const block = await stream.readBefore(until, position, Math.min(searchBytes, until - lowest));
    if (block === null) break;
    const found = block.bytes.lastIndexOf(10);
    if (found !== -1) return block.at + found + 1;
    until = block.at;
  }
  return position;
}
