import { parseDuration } from '../../shared/config/durations.js';
import { HiveError } from '../../shared/errors/hive-error.js';

/** Reads `--timeout 5m` into milliseconds. */
export function readDuration(option: string, text: string): number {
  const duration = parseDuration(text);
  if (duration.ok) return duration.value;
  throw new HiveError('INVALID_PARAMS', `--${option} "${text}" ${duration.message}.`, { next: `Write it as --${option} 30s.` });
}

/** Reads `--since`: a duration back from now, or a time. Answers ISO 8601. */
export function readSince(text: string, now: Date): string {
  const duration = parseDuration(text);
  if (duration.ok) return new Date(now.getTime() - duration.value).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new HiveError('INVALID_PARAMS', `--since "${text}" is neither a duration such as 5m nor a time such as 2026-01-31T12:00:00Z.`);
}

/** The same where the number of an event (`41` or `#41`) will do as well. */
export function readSinceOrSequence(text: string, now: Date): string | number {
  const number = /^#?(\d+)$/.exec(text)?.[1];
  return number === undefined ? readSince(text, now) : Number(number);
}
