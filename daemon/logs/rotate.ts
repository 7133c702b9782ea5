import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { syncFolder, unlessMissing } from './durable-files.js';
import { lineEndBefore } from './line-end.js';
import { archiveName, partialSuffix } from './log-paths.js';
import type { LogStream } from './log-stream.js';
import type { SpaceReclaimer } from './reclaim-space.js';
import { planRotation, type LogPolicy } from './rotation-plan.js';
import { writeMeta } from './stream-meta.js';

/** The instants of a rotation at which a kill has to be survived, in order. */
export const rotationSteps = ['copied', 'synced', 'archived', 'stamped', 'intended', 'collapsing', 'collapsed', 'settled', 'retained'] as const;
export type RotationStep = (typeof rotationSteps)[number];

/** After so many archives the live file's front is given back before there are more. */
const archivesAtOnce = 8;
const copyBytes = 256 * 1024;
/** Less than a block is not worth a look. */
const smallestReclaim = 4096;

/**
 * Rotates a stream while its service writes: copies its oldest bytes, which nobody changes any more, to archives, and
 * then takes them from the front of the live file.
 */
export async function rotate(stream: LogStream, policy: LogPolicy, reclaimer: SpaceReclaimer, onStep: (step: RotationStep) => void): Promise<void> {
  const end = (await stream.look()).offset;
  const live = await open(stream.paths.live, 'r');
  try {
    for (let made = 0; made < archivesAtOnce; made += 1) {
      const { start } = stream.layout;
      const plan = planRotation(start, end, policy);
      if (plan.kind === 'wait') break;
      if (plan.kind === 'drop') stream.moveStart((await lineEndBefore(stream, plan.before, policy.maxSizeBytes)) ?? plan.before);
      else await archive(stream, live, plan.before, onStep);
    }
  } finally {
    await live.close();
    // Also when an archive failed: those before it may give back the space that it lacked.
    if (stream.layout.start - stream.layout.base >= smallestReclaim) await giveBack(stream, reclaimer);
  }
  await retain(stream, policy.maxFiles);
  onStep('retained');
}

async function giveBack(stream: LogStream, reclaimer: SpaceReclaimer): Promise<void> {
  // The archives' names have to outlast what is now taken from the live file.
  await syncFolder(stream.paths.folder);
  await reclaimer.reclaim(stream);
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

/** Makes an archive of the stream from its start to the last line end before `before`. */
async function archive(stream: LogStream, live: FileHandle, before: number, onStep: (step: RotationStep) => void): Promise<void> {
  const { base, start, archives } = stream.layout;
  // Without a meta file, archives would look as if it was lost.
  if (archives.length === 0) await writeMeta(stream.paths.meta, { base, start });
  const path = archiveName(stream.paths.live, start);
  let size: number;
  try {
    const to = await open(path + partialSuffix, 'w', 0o600);
    try {
      size = await copyLines(stream, live, before, to);
      onStep('copied');
      await to.datasync();
    } finally {
      await to.close();
    }
  } catch (error) {
    await unlessMissing(unlink(path + partialSuffix));
    throw error;
  }
  onStep('synced');
  if (stream.layout.base !== base) throw new Error(`The file ${stream.paths.live} was emptied while it was rotated.`);
  await rename(path + partialSuffix, path);
  stream.addArchive({ start, size });
  onStep('archived');
}

/** Copies from the stream's start up to the last line end before `before`; answers how many bytes that is. */
async function copyLines(stream: LogStream, live: FileHandle, before: number, to: FileHandle): Promise<number> {
  const { base, start } = stream.layout;
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, before - start));
  for (let at = start; at < before; ) {
    const { bytesRead } = await live.read(buffer, 0, Math.min(buffer.length, before - at), at - base);
    if (bytesRead === 0) throw new Error('The log file became shorter while it was copied.');
    const bytes = buffer.subarray(0, bytesRead);
    const lines = at + bytesRead === before ? bytes.subarray(0, bytes.lastIndexOf(10) + 1) : bytes;
    await to.writeFile(lines.length === 0 ? bytes : lines);
    at += bytesRead;
    if (lines.length > 0 && at === before) return at - bytesRead + lines.length - start;
  }
  // The last line is longer than the buffer: it is cut where it began, or, where it is longer than an archive, at its end.
  const end = await lineEndBefore(stream, before, before - start);
  if (end !== null) await to.truncate(end - start);
  return (end ?? before) - start;
}
