import type { LogLevel } from './levels.js';
import type { LogStream } from './log-stream.js';
import type { StreamName } from './log-paths.js';
import { mergeByTime, newest, type ShownLine } from './shown-line.js';
import { tailLines } from './tail-lines.js';

export interface LogQuery {
  /** `source:service`, `source:service#2`, `source:*`; absent: everything. */
  readonly fqn?: string | undefined;
  /** How many of the last lines; default 100 for `get`, 0 for `follow`. */
  readonly lines?: number | undefined;
  /** ISO 8601; earlier lines are left out. */
  readonly since?: string | undefined;
  /** This level and above. */
  readonly level?: LogLevel | undefined;
  readonly stream?: StreamName | undefined;
}

export const defaultLines = 100;
/** An answer has to fit into one frame of the protocol (8 MiB). */
export const mostAnswerBytes = 4 * 1024 * 1024;

/** A stream and where to stop reading it. */
export interface Reach {
  readonly stream: LogStream;
  readonly end: number;
  /** When it was last written to, in epoch milliseconds. */
  readonly time: number;
}

/** The last lines of several streams merged by time, oldest first: at most `query.lines`, and at most 4 MiB. */
export async function newestLines(reaches: readonly Reach[], query: LogQuery): Promise<ShownLine[]> {
  const wanted = query.lines ?? defaultLines;
  const since = query.since === undefined ? -Infinity : Date.parse(query.since);
  let pool: ShownLine[] = [];
  if (wanted === 0) return pool;
  // Those written to last come first: when enough is found, the others need not be read.
  for (const { stream, end, time } of [...reaches].sort((a, b) => b.time - a.time)) {
    const enough = pool.length >= wanted;
    const oldestWanted = enough ? Math.max(since, pool[0]?.key ?? since) : since;
    if (time < oldestWanted || end === 0) continue;
    const marks = await stream.index.marks();
    const lines = await tailLines(stream, end, marks, { lines: wanted, bytes: mostAnswerBytes, since: oldestWanted, level: query.level ?? 'trace' });
    pool = newest(mergeByTime([...pool, ...lines]), wanted, mostAnswerBytes);
  }
  return pool;
}
