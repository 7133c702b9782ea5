import { parseDuration } from '../../shared/config/durations.js';
import { HiveError } from '../../shared/errors/hive-error.js';

/** What `plugins.autoscaler` in hive.yaml says; the thresholds are in `scale` of each service. */
export interface Settings {
  /** Between two decisions about a service, in milliseconds; 30 s by default. */
  readonly checkIntervalMs: number;
  /** Over how long use is averaged, in milliseconds; 60 s by default. */
  readonly windowMs: number;
  /** Of which services it only says what it would do: all, or these full names. None by default. */
  readonly dryRun: 'all' | readonly string[];
}

const known = ['check_interval', 'window', 'dry_run'];
const shortestCheckMs = 500;
const shortestWindowMs = 2_000;
const longestMs = 3_600_000;

/** @throws HiveError INVALID_CONFIG naming the setting that is wrong */
export function readSettings(config: Record<string, unknown>): Settings {
  const unknown = Object.keys(config).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(unknown, `is not a setting; there are ${known.join(', ')}`);
  return {
    checkIntervalMs: readDuration('check_interval', config['check_interval'] ?? '30s', shortestCheckMs),
    windowMs: readDuration('window', config['window'] ?? '60s', shortestWindowMs),
    dryRun: readDryRun(config['dry_run'] ?? false),
  };
}

/** Between two samples: a dozen in a window, but no more often than they can differ, and in time for each check. */
export function sampleEveryMs({ windowMs, checkIntervalMs }: Settings): number {
  return Math.max(shortestCheckMs, Math.min(5_000, windowMs / 12, checkIntervalMs));
}

function readDuration(setting: string, value: unknown, leastMs: number): number {
  const duration = typeof value === 'string' ? parseDuration(value) : null;
  if (duration === null) throw wrong(setting, 'is not a duration such as 30s');
  if (!duration.ok) throw wrong(setting, duration.message);
  if (duration.value < leastMs || duration.value > longestMs) throw wrong(setting, `is not between ${leastMs} ms and an hour`);
  return duration.value;
}

function readDryRun(value: unknown): Settings['dryRun'] {
  if (typeof value === 'boolean') return value ? 'all' : [];
  if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string' && /^[^:]+:[^:]+$/.test(name))) return value;
  throw wrong('dry_run', 'is neither true nor false nor a list of full names of services, such as [shop:web]');
}

function wrong(setting: string, what: string): HiveError {
  return new HiveError('INVALID_CONFIG', `plugins.autoscaler.${setting} in hive.yaml ${what}.`, { next: 'Correct hive.yaml of the default source; docs/autoscaler.md has the settings.' });
}
