import { formatFqn } from '../../shared/config/names.js';
import type { LogLine } from '../../shared/protocol/results.js';
import { instanceKey } from '../runner/runner.js';
import { wholeSource } from '../runner/task.js';
import type { LogLevel } from './levels.js';
import type { LogStream } from './log-stream.js';
import type { ParsedLine } from './parse-line.js';
import type { WrittenAt } from './time-index.js';

/** A line ready to be shown, and by what it is ordered among those of other streams. */
export interface ShownLine {
  /** Epoch milliseconds; within a stream it never goes back. */
  readonly key: number;
  readonly line: LogLine;
}

/** A line's own time may differ by this much from when it was written, and still order it. */
const clockSlackMs = 2_000;

/** By what a line is ordered: its own time where that is within the span in which it was written, else when it was written. */
export function orderingTime(own: number | null, written: WrittenAt): number {
  if (own === null) return written.time;
  return own >= written.earliest - clockSlackMs && own <= written.latest + clockSlackMs ? own : written.time;
}

export function showLine(stream: LogStream, parsed: ParsedLine, level: LogLevel, key: number, writtenAt: number): ShownLine {
  const { source, service } = stream.ref;
  const whole = service === wholeSource ? `${source}:*` : null;
  return {
    key,
    line: {
      fqn: whole ?? formatFqn({ source, service }),
      instance: whole ?? instanceKey(stream.ref),
      time: new Date(parsed.time ?? writtenAt).toISOString(),
      stream: stream.stream,
      level,
      message: parsed.message,
      ...(parsed.fields === undefined ? {} : { fields: parsed.fields }),
    },
  };
}

/** About how much of an answer a line takes up, in bytes. */
export function lineBytes(shown: ShownLine): number {
  return 160 + shown.line.message.length * (shown.line.fields === undefined ? 1 : 2);
}

/** Orders the lines of several streams, each in order already, by time. */
export function mergeByTime(lines: ShownLine[]): ShownLine[] {
  return lines.sort((a, b) => a.key - b.key);
}

/** The last lines, at most `count` and at most `bytes` of them. */
export function newest(lines: readonly ShownLine[], count: number, bytes: number): ShownLine[] {
  let left = bytes;
  let first = lines.length;
  while (first > 0 && lines.length - first < count) {
    const line = lines[first - 1];
    if (line !== undefined) left -= lineBytes(line);
    if (left < 0 && first < lines.length) break;
    first -= 1;
  }
  return lines.slice(first);
}
