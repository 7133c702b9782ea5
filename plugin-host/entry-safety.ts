import { accessSync, constants, lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { sep } from 'node:path';

/** A file or folder that may be used, or the sentence that says why not. */
export type SafeEntry = { readonly stats: Stats; readonly realPath: string } | { readonly problem: string };

/**
 * Looks at something that is about to be executed, or to say what is executed. Whoever else could write it could run
 * programs as this user. Links may lead around within `root` (a real path), not out of it.
 */
export function examineEntry(path: string, root: string): SafeEntry {
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (link === undefined) return { problem: 'It does not exist.' };
  let realPath: string;
  try {
    realPath = realpathSync(path);
  } catch {
    return { problem: 'It is a symbolic link that leads nowhere.' };
  }
  if (realPath !== root && !realPath.startsWith(root + sep)) return { problem: `It is a symbolic link out of the plugins folder, to ${realPath}.` };
  const stats = statSync(realPath, { throwIfNoEntry: false });
  if (stats === undefined) return { problem: 'It vanished while it was looked at.' };
  const problem = ownershipProblem(stats);
  return problem === null ? { stats, realPath } : { problem };
}

/** Why something of this owner and mode is not trusted; null when it is. */
export function ownershipProblem(stats: Stats): string | null {
  const self = process.getuid?.() ?? -1;
  if (stats.uid !== self) return `It belongs to user ${stats.uid}, not to the user ${self} that the daemon runs as.`;
  if ((stats.mode & 0o022) !== 0) {
    return `Others may write it (mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')}): chmod go-w makes it safe.`;
  }
  return null;
}

export function mayExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
