import { join } from 'node:path';
import { HiveError } from '../../shared/errors/hive-error.js';
import { nameProblem } from '../../shared/config/names.js';
import type { InstanceRef } from '../runner/runner.js';
import { wholeSource } from '../runner/task.js';

/** What an instance writes itself. */
export const streamNames = ['stdout', 'stderr'] as const;
export type OutputName = (typeof streamNames)[number];
/** `hook`: what the hooks that ran on its behalf wrote, both outputs together. */
export type StreamName = OutputName | 'hook';

export interface LogPaths {
  /** Made by `LogStore.prepare`; mode 0700. */
  readonly folder: string;
  readonly stdoutPath: string;
  readonly stderrPath: string;
}

/** Where an instance's output goes. Throws INVALID_PARAMS for names that cannot be folder names. */
export function logPaths(home: string, ref: InstanceRef): LogPaths {
  const problem = nameProblem('source', ref.source) ?? (ref.service === wholeSource ? null : nameProblem('service', ref.service));
  if (problem !== null) throw new HiveError('INVALID_PARAMS', problem);
  if (!Number.isSafeInteger(ref.number) || ref.number < 1) throw new HiveError('INVALID_PARAMS', `${ref.number} is no instance number: they count from 1.`);
  const folder = serviceLogFolder(home, ref.source, ref.service);
  return { folder, stdoutPath: join(folder, liveName(ref.number, 'stdout')), stderrPath: join(folder, liveName(ref.number, 'stderr')) };
}

export function logsFolder(home: string): string {
  return join(home, 'logs');
}

export function serviceLogFolder(home: string, source: string, service: string): string {
  return join(logsFolder(home), source, service);
}

export function liveName(number: number, stream: StreamName): string {
  return `${number}.${stream}.log`;
}

/** The live file and what Hive keeps beside it, for one stream of one instance. */
export interface StreamPaths {
  readonly folder: string;
  /** File name of the live file; every other file's name begins with it. */
  readonly name: string;
  readonly live: string;
  /** Where the live file stands in the stream (stream-meta.ts). */
  readonly meta: string;
  /** Sparse times (time-index.ts). */
  readonly index: string;
}

export function streamPaths(folder: string, number: number, stream: StreamName): StreamPaths {
  const name = liveName(number, stream);
  const live = join(folder, name);
  return { folder, name, live, meta: `${live}.meta`, index: `${live}.index` };
}

/** An archive's name ends in the position of its first byte in the stream, so that the name alone says what it holds. */
export function archiveName(live: string, start: number): string {
  return `${live}.${String(start).padStart(archiveDigits, '0')}`;
}

const archiveDigits = 15;
export const partialSuffix = '.partial';

/** What a file in a service's log folder is; null for what is not ours. */
export function readLogFileName(name: string): { number: number; stream: StreamName; archiveStart: number | null } | null {
  const match = /^([1-9]\d*)\.(stdout|stderr|hook)\.log(?:\.(\d{15}))?$/.exec(name);
  if (match === null) return null;
  const [, number, stream, start] = match;
  return { number: Number(number), stream: stream as StreamName, archiveStart: start === undefined ? null : Number(start) };
}
