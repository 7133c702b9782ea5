import { HiveError } from '../../shared/errors/hive-error.js';

/** Says which setting is wrong; the caller says why, and never the value of one that may be secret. */
export function wrongSetting(setting: string, what: string): HiveError {
  return new HiveError('INVALID_CONFIG', `plugins.signaling-control.${setting} ${what}.`, { next: 'Correct hive.yaml of the default source, or the daemon\'s environment; docs/signaling.md has the settings.' });
}
