import { HiveError } from '../../shared/errors/index.js';

const diskCodes = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS']);

/** What stands against a daemon that comes up, as STORAGE_FAILED where it is the disk; anything else as it is. */
export function storageProblem(home: string, thrown: unknown): unknown {
  const { code = '', message } = thrown as NodeJS.ErrnoException;
  if (thrown instanceof HiveError || !(diskCodes.has(code) || /^SQLITE_(FULL|IOERR)/.test(code))) return thrown;
  return new HiveError('STORAGE_FAILED', `The daemon cannot come up, because the disk of ${home} takes nothing: ${message}.`, {
    next: 'Free disk space (or mend the file system), then start it again; services run on meanwhile.',
    cause: thrown,
  });
}
