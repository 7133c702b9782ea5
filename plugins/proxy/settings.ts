import { parseDuration } from '../../shared/config/durations.js';
import { HiveError } from '../../shared/errors/hive-error.js';

/** What `plugins.proxy` in hive.yaml says; where it listens is `proxy.bind`. */
export interface Settings {
  /** Processes that serve; 1 by default. */
  readonly workers: number;
  /** Write a line for each request into the plugin's folder; off by default. */
  readonly accessLog: boolean;
  /** How long requests may go on at an endpoint that left the table, in milliseconds; 30 s by default. */
  readonly drainLimitMs: number;
  /** `host:port` for Prometheus; null (the default): nowhere. */
  readonly metrics: string | null;
}

const known = ['enabled', 'workers', 'access_log', 'drain', 'metrics'];
const mostWorkers = 64;

/** @throws HiveError INVALID_CONFIG naming the setting that is wrong */
export function readSettings(config: Record<string, unknown>): Settings {
  const unknown = Object.keys(config).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(unknown, `is not a setting; there are ${known.join(', ')}`);
  const { workers = 1, access_log: accessLog = false, drain = '30s', metrics = null } = config;
  if (typeof workers !== 'number' || !Number.isInteger(workers) || workers < 1 || workers > mostWorkers) throw wrong('workers', `is not a whole number from 1 to ${mostWorkers}`);
  if (typeof accessLog !== 'boolean') throw wrong('access_log', 'is neither true nor false');
  if (metrics !== null && typeof metrics !== 'string') throw wrong('metrics', 'is not an address such as 127.0.0.1:9180');
  const drainLimit = typeof drain === 'string' ? parseDuration(drain) : null;
  if (drainLimit === null || !drainLimit.ok) throw wrong('drain', 'is not a duration such as 30s');
  return { workers, accessLog, drainLimitMs: drainLimit.value, metrics };
}

function wrong(setting: string, what: string): HiveError {
  return new HiveError('INVALID_CONFIG', `plugins.proxy.${setting} ${what}.`, { next: 'Correct hive.yaml of the default source; docs/proxy.md has the settings.' });
}
