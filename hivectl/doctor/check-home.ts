import { accessSync, constants, lstatSync, statfsSync, type Stats } from 'node:fs';
import type { HomePaths } from '../../shared/home-paths.js';
import { maxSocketPathBytes } from '../../shared/rpc/unix-socket.js';
import { humanSize } from '../render/measures.js';
import { error, fine, note, warning, type Finding } from './finding.js';

/** Less than this, and the journal may not be written much longer. */
const littleSpaceBytes = 200 * 1024 * 1024;

/** The home folder: whose it is, who may look in, whether a socket fits into its path, and whether there is room. */
export function checkHome(paths: HomePaths, socket: string): Finding[] {
  return [...checkFolder(paths.home), checkSocketPath(socket), ...checkSpace(paths.home)];
}

function checkFolder(home: string): Finding[] {
  const found = lstatSync(home, { throwIfNoEntry: false });
  if (found === undefined) return [note(`${home} does not exist yet.`, 'The first daemon makes it: hivectl daemon start')];
  const problems = [ownerProblem(home, found), modeProblem(home, found), accessProblem(home)].filter((finding) => finding !== null);
  return problems.length > 0 ? problems : [fine(`${home} is yours alone`)];
}

function ownerProblem(home: string, found: Stats): Finding | null {
  if (found.isSymbolicLink()) return error(`${home} is a symlink; the daemon refuses it.`, `export HIVE_HOME=$(readlink -f ${home})`);
  if (!found.isDirectory()) return error(`${home} is not a folder.`, `mv ${home} ${home}.old`);
  const self = process.getuid?.();
  if (self === undefined || found.uid === self) return null;
  return error(`${home} belongs to user ${found.uid}, not to you (${self}).`, `chown -R ${self} ${home}, or choose another home with HIVE_HOME`);
}

function modeProblem(home: string, { mode }: Stats): Finding | null {
  const written = (mode & 0o777).toString(8);
  if ((mode & 0o022) !== 0) return error(`Others may write into ${home} (mode ${written}).`, `chmod 700 ${home}`);
  return (mode & 0o077) === 0 ? null : warning(`Others may look into ${home} (mode ${written}).`, `chmod 700 ${home}`);
}

function accessProblem(home: string): Finding | null {
  try {
    accessSync(home, constants.W_OK | constants.X_OK);
    return null;
  } catch {
    return error(`You cannot write into ${home}.`, `chmod u+rwx ${home}, or mount its file system writable`);
  }
}

export function checkSocketPath(socket: string): Finding {
  const bytes = Buffer.byteLength(socket);
  if (bytes <= maxSocketPathBytes) return fine(`the path of the socket has ${bytes} of ${maxSocketPathBytes} bytes`);
  return error(`The path of the socket, ${socket}, has ${bytes} bytes; the system allows ${maxSocketPathBytes}.`, 'Choose a shorter home: export HIVE_HOME=/run/user/$(id -u)/hive');
}

function checkSpace(home: string): Finding[] {
  try {
    const { bavail, bsize } = statfsSync(home);
    const free = bavail * bsize;
    if (free >= littleSpaceBytes) return [fine(`${humanSize(free)} of disk are free for it`)];
    return [error(`Only ${humanSize(free)} of disk are free at ${home}; calls fail once it is full.`, `du -sh ${home}/logs/* shows what logs take`)];
  } catch {
    // A home that does not exist was reported already.
    return [];
  }
}
