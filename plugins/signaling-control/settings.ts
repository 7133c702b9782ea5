import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';
import { parseDuration } from '../../shared/config/durations.js';
import { nearestName } from '../../shared/config/nearest-name.js';
import { readKinds, type Kind } from './kinds.js';
import { dialects, type Dialect } from './wire/dialect.js';
import { wrongSetting } from './wrong-setting.js';

/** What `plugins.signaling-control` in hive.yaml and the daemon's environment say, every default filled in. */
export interface Settings {
  /** Where to connect; null: nowhere, the plugin is idle. */
  readonly server: { readonly url: URL; readonly hiveId: string; readonly secret: string; readonly dialect: Dialect; readonly ca: string | null } | null;
  /** By id, in the order in which they are written. */
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly maxCocoons: number;
  /** How long a cocoon may take until it runs, in milliseconds; then it is removed. */
  readonly startTimeoutMs: number;
}

const known = ['url', 'hive_id', 'secret', 'dialect', 'ca', 'runner', 'script_path', 'compose_file', 'registry', 'kinds', 'max_cocoons', 'start_timeout'];
const mostCocoons = 10_000;

/** @throws HiveError INVALID_CONFIG naming the setting that is wrong; never the value of one that may be secret */
export function readSettings(config: Readonly<Record<string, unknown>>): Settings {
  const unknown = Object.keys(config).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const near = nearestName(unknown, known);
    throw wrongSetting(unknown, `is not a setting; ${near === null ? `there are ${known.join(', ')}` : `do you mean ${near}?`}`);
  }
  const given = (key: string): unknown => config[key] ?? undefined;
  return {
    server: readServer(given),
    kinds: readKinds(given),
    maxCocoons: readCount('max_cocoons', given('max_cocoons')),
    startTimeoutMs: readTimeout(given('start_timeout')),
  };
}

function readServer(given: (key: string) => unknown): Settings['server'] {
  const url = readUrl(given('url'));
  const dialect = given('dialect') ?? 'hive';
  if (!dialects.includes(dialect as Dialect)) throw wrongSetting('dialect', `is none of ${dialects.join(' and ')}`);
  const hiveId = readText('hive_id', given('hive_id')) ?? hostname();
  const secret = readText('secret', given('secret'));
  const ca = readText('ca', given('ca'));
  if (ca !== null && !isAbsolute(ca)) throw wrongSetting('ca', 'is not the absolute path of a file of certificates');
  if (url === null) return null;
  if (secret === null) throw wrongSetting('secret', 'is missing: without it this Hive cannot sign its registration');
  return { url, hiveId, secret, dialect: dialect as Dialect, ca };
}

function readUrl(value: unknown): URL | null {
  if (value === undefined) return null;
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || !['ws:', 'wss:'].includes(url.protocol)) throw wrongSetting('url', 'is not a URL that begins with wss:// (or ws://, without encryption)');
  if (url.hash !== '') throw wrongSetting('url', 'has a part after #, which no WebSocket can have');
  return url;
}

function readText(key: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '') throw wrongSetting(key, 'is no text');
  return value;
}

/** Variables are texts, so that a text of digits counts. */
function readCount(key: string, value: unknown): number {
  if (value === undefined) return 50;
  const count = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= mostCocoons) return count;
  throw wrongSetting(key, `is not a whole number from 0 to ${mostCocoons}`);
}

function readTimeout(value: unknown): number {
  if (value === undefined) return 300_000;
  const duration = typeof value === 'string' ? parseDuration(value) : null;
  if (duration?.ok === true && duration.value > 0) return duration.value;
  throw wrongSetting('start_timeout', duration?.ok === false ? duration.message : 'is not a duration such as 30s');
}
