import { isAbsolute, join } from 'node:path';
import { homedir } from 'node:os';
import { parseDuration } from '../../shared/config/durations.js';
import { nearestName } from '../../shared/config/nearest-name.js';
import { HiveError } from '../../shared/errors/hive-error.js';
import type { KeySource, Place, S3Place } from './place.js';
import type { Keep } from './schedule/retention.js';
import type { Timing } from './schedule/next-backup.js';

/** What `plugins.backup` in hive.yaml says. */
export interface Settings extends Timing {
  /** Null: nothing is backed up; snapshots from elsewhere can be restored. */
  readonly place: Place | null;
  readonly key: KeySource | null;
  /** Back up without a key although the configuration holds secrets. */
  readonly includeSecrets: boolean;
  readonly keep: Keep;
}

type Values = Record<string, unknown>;

const shortestPassphrase = 12;
const mostKept = 1_000;

/** @throws HiveError INVALID_CONFIG naming the setting that is wrong, never its value: it may be a secret */
export function readSettings(config: Values): Settings {
  const reader = new Reader('plugins.backup', config, ['dir', 's3', 'every', 'on_crash', 'crash_settle', 'crash_pause', 'encryption', 'include_secrets', 'keep']);
  const dir = reader.path('dir');
  const s3 = reader.map('s3', ['bucket', 'prefix', 'endpoint', 'region', 'path_style', 'server_side_encryption', 'kms_key_id']);
  if (dir !== null && s3 !== null) throw reader.wrong('s3', 'is set, and so is dir; a backup goes to one of the two');
  if (dir === null && s3 === null && Object.keys(config).length > 0) throw reader.wrong('dir', 'is missing, and so is s3; a backup needs one of the two');
  const encryption = reader.map('encryption', ['passphrase', 'key_file']);
  const keep = reader.map('keep', ['last', 'hourly', 'daily', 'weekly']);
  const everyMs = config['every'] === 'never' ? null : reader.duration('every', 3_600_000);
  return {
    place: dir !== null ? { kind: 'folder', path: dir } : s3 !== null ? readS3(s3) : null,
    everyMs,
    onCrash: reader.flag('on_crash', true),
    crashSettleMs: reader.duration('crash_settle', 10_000),
    crashPauseMs: reader.duration('crash_pause', 300_000),
    key: encryption === null ? null : readKey(encryption),
    includeSecrets: reader.flag('include_secrets', false),
    keep: {
      last: keep?.count('last', 3) ?? 3, hourly: keep?.count('hourly', 24) ?? 24, daily: keep?.count('daily', 7) ?? 7, weekly: keep?.count('weekly', 4) ?? 4,
    },
  };
}

function readS3(s3: Reader): S3Place {
  const bucket = s3.text('bucket');
  if (bucket === null) throw s3.wrong('bucket', 'is missing');
  const endpoint = s3.text('endpoint');
  if (endpoint !== null && !/^https?:\/\/[^/]/.test(endpoint)) throw s3.wrong('endpoint', 'is not a URL that begins with http:// or https://');
  const encryption = s3.text('server_side_encryption');
  if (encryption !== null && encryption !== 'AES256' && encryption !== 'aws:kms') throw s3.wrong('server_side_encryption', 'is neither AES256 nor aws:kms');
  return {
    kind: 's3', bucket, endpoint,
    prefix: asPrefix(s3.text('prefix') ?? 'hive/'),
    region: s3.text('region'),
    pathStyle: s3.flag('path_style', false),
    serverSideEncryption: encryption,
    kmsKeyId: s3.text('kms_key_id'),
  };
}

/** Object names below a prefix: `hive` and `hive/` mean the same, an empty one the whole bucket. */
export function asPrefix(text: string): string {
  const bare = text.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}

function readKey(encryption: Reader): KeySource {
  const passphrase = encryption.text('passphrase');
  const file = encryption.path('key_file');
  if (passphrase !== null && file !== null) throw encryption.wrong('key_file', 'is set, and so is passphrase; one key is enough');
  if (file !== null) return { kind: 'file', path: file };
  if (passphrase === null) throw encryption.wrong('passphrase', 'is missing, and so is key_file');
  if (passphrase.length < shortestPassphrase) throw encryption.wrong('passphrase', `is shorter than ${shortestPassphrase} characters, and so can be guessed`);
  return { kind: 'passphrase', passphrase };
}

/** One mapping of the settings; every complaint names where it is. */
class Reader {
  constructor(private readonly at: string, private readonly values: Values, known: readonly string[]) {
    const unknown = Object.keys(values).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const near = nearestName(unknown, known);
    throw this.wrong(unknown, `is not a setting${near === null ? `; there are ${known.join(', ')}` : `; the nearest one is ${near}`}`);
  }

  wrong(setting: string, what: string): HiveError {
    return new HiveError('INVALID_CONFIG', `${this.at}.${setting} in hive.yaml ${what}.`, { next: 'Correct it; it is taken up when the file is saved. docs/backup.md has the settings.' });
  }

  text(name: string): string | null {
    const value = this.values[name] ?? null;
    if (value === null) return null;
    if (typeof value !== 'string' || value === '' || value.includes('\0')) throw this.wrong(name, 'is not a text');
    return value;
  }

  path(name: string): string | null {
    const text = this.text(name);
    if (text === null) return null;
    const path = text.startsWith('~/') ? join(homedir(), text.slice(2)) : text;
    if (!isAbsolute(path)) throw this.wrong(name, 'is not an absolute path');
    return path;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.values[name] ?? otherwise;
    if (typeof value !== 'boolean') throw this.wrong(name, 'is neither true nor false');
    return value;
  }

  duration(name: string, otherwise: number): number {
    const value = this.values[name] ?? null;
    if (value === null) return otherwise;
    const read = typeof value === 'string' ? parseDuration(value) : null;
    if (read === null || !read.ok || read.value < 1_000) throw this.wrong(name, read?.ok === false ? read.message : 'is not a duration of a second or more, such as 1h');
    return read.value;
  }

  count(name: string, otherwise: number): number {
    const value = this.values[name] ?? otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > mostKept) throw this.wrong(name, `is not a whole number from 0 to ${mostKept}`);
    return value;
  }

  map(name: string, known: readonly string[]): Reader | null {
    const value = this.values[name] ?? null;
    if (value === null) return null;
    if (typeof value !== 'object' || Array.isArray(value)) throw this.wrong(name, `is not a mapping of ${known.join(', ')}`);
    return new Reader(`${this.at}.${name}`, value as Values, known);
  }
}
