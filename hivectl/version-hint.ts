import { HiveError } from '../shared/errors/hive-error.js';
import type { Context } from './context.js';
import { ownVersion } from './version.js';

/** The error of a call that the daemon does not know, with what the two versions are. Of one version: it was a plugin that did not know. */
export async function versionHint(context: Context, error: HiveError): Promise<HiveError> {
  const status = await (await context.client()).status({}, { deadlineMs: 2000 }).catch(() => null);
  if (status === null || status.version === ownVersion()) return error;
  return new HiveError(error.code, `${error.message} The daemon has version ${status.version}, this hivectl ${ownVersion()}.`, {
    next: 'hivectl daemon restart --keep-services brings the daemon to the installed version.',
    data: error.options.data ?? {},
  });
}
