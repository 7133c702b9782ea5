import { defaultLevel, levelOfText, levelOfValue, type LogLevel } from './levels.js';
import { timeAtStart, timeOfValue } from './line-time.js';
import { longestShownLine, type RawLine } from './split-lines.js';

export interface ParsedLine {
  /** What the line says of itself; null when it says nothing. */
  readonly level: LogLevel | null;
  /** The line's own time in epoch milliseconds; null when it has none. */
  readonly time: number | null;
  readonly message: string;
  readonly fields?: Record<string, unknown>;
  /** Belongs to the line before it: a stack frame, an indented dump. */
  readonly continues: boolean;
}

/** Reads a line as it is shown. Bytes that are not UTF-8 become U+FFFD; terminal colours stay. */
export function parseLine(raw: RawLine): ParsedLine {
  const whole = raw.length <= raw.bytes.length;
  const text = whole ? raw.bytes.toString('utf8') : cutCharacter(raw.bytes).toString('utf8');
  const shown = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (!whole) return plain(`${shown} … [a line of ${raw.length} bytes; the first ${longestShownLine} are shown]`);
  return (shown.startsWith('{') && shown.endsWith('}') ? structured(shown) : null) ?? plain(shown);
}

/** The level that is shown for a line, given the level of the line that it may continue. */
export function shownLevel(line: ParsedLine, before: LogLevel): LogLevel {
  return line.level ?? (line.continues ? before : defaultLevel);
}

function plain(message: string): ParsedLine {
  const level = levelOfText(message);
  return { level, time: timeAtStart(message), message, continues: level === null && /^(?:[ \t]+\S|Caused by: )/.test(message) };
}

const levelKeys = ['level', 'severity', 'lvl', 'loglevel', 'log.level'];
const timeKeys = ['time', 'timestamp', '@timestamp', 'ts', 'date'];
const messageKeys = ['msg', 'message', '@message', 'event'];

function structured(text: string): ParsedLine | null {
  const fields = parseObject(text);
  if (fields === null) return null;
  const take = <T>(keys: readonly string[], read: (value: unknown) => T | null): T | null => {
    for (const key of keys) {
      const value = Object.hasOwn(fields, key) ? read(fields[key]) : null;
      if (value === null) continue;
      Reflect.deleteProperty(fields, key);
      return value;
    }
    return null;
  };
  const level = take(levelKeys, levelOfValue);
  const time = take(timeKeys, timeOfValue);
  const message = take(messageKeys, (value) => (typeof value === 'string' ? value : null));
  return { level, time, message: message ?? text, continues: false, ...(Object.keys(fields).length === 0 ? {} : { fields }) };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Leaves off a UTF-8 character that the end of `bytes` cuts in two. */
function cutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
