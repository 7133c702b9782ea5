import { isAbsolute } from 'node:path';
import { HiveError } from '../../shared/errors/hive-error.js';
import type { KeySource, Place, Vault } from './place.js';
import { asPrefix, readSettings } from './settings.js';

/** A place that somebody names in a call: `{location, keyFile?, passphrase?}`. */
interface From {
  readonly location: string;
  readonly keyFile?: string;
  readonly passphrase?: string;
}

/**
 * Reads where a call wants snapshots from; null: from where the settings say. Without a key of its own, the key of the
 * settings is tried.
 * @throws HiveError INVALID_PARAMS
 */
export function readFrom(value: unknown, ownKey: KeySource | null): Vault | null {
  if (value === undefined || value === null) return null;
  const { location, keyFile, passphrase } = value as Partial<Record<keyof From, unknown>>;
  if (typeof location !== 'string' || [keyFile, passphrase].some((text) => text !== undefined && typeof text !== 'string')) {
    throw new HiveError('INVALID_PARAMS', 'from is not {location, keyFile?, passphrase?} of texts.');
  }
  return { place: readLocation(location), key: keyOf(keyFile as string | undefined, passphrase as string | undefined) ?? ownKey };
}

/** `/folder`, or `s3://bucket/prefix?endpoint=http://host:port&region=…&path_style=true`. @throws HiveError INVALID_PARAMS */
export function readLocation(location: string): Place {
  if (isAbsolute(location)) return { kind: 'folder', path: location };
  const url = location.startsWith('s3://') ? URL.parse(location) : null;
  if (url === null) throw wrong(`${JSON.stringify(location)} is neither an absolute path nor s3://bucket/prefix.`);
  const { endpoint, region, path_style: pathStyle, ...others } = Object.fromEntries(url.searchParams);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(`${JSON.stringify(unknown)} is nothing that a place in S3 has; there are endpoint, region and path_style.`);
  try {
    const { place } = readSettings({
      s3: { bucket: url.hostname, ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }), path_style: pathStyle === 'true' },
    });
    // The bucket is a place of its own here: no prefix means none.
    return place?.kind === 's3' ? { ...place, prefix: asPrefix(decodeURIComponent(url.pathname)) } : wrongPlace(location);
  } catch (error) {
    throw error instanceof HiveError && error.code === 'INVALID_CONFIG' ? wrong(error.message) : error;
  }
}

function keyOf(keyFile: string | undefined, passphrase: string | undefined): KeySource | null {
  if (keyFile !== undefined) return { kind: 'file', path: keyFile };
  return passphrase === undefined ? null : { kind: 'passphrase', passphrase };
}

function wrongPlace(location: string): never {
  throw wrong(`${JSON.stringify(location)} is no place.`);
}

function wrong(what: string): HiveError {
  return new HiveError('INVALID_PARAMS', what, { next: 'Write /folder, or s3://bucket/prefix?endpoint=http://127.0.0.1:9000&path_style=true.' });
}
