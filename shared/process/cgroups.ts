import { accessSync, constants, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';

/** What a cgroup can hold a process to. */
export type CgroupController = 'memory' | 'cpu';

/** Where cgroups of our own can be made. */
export type CgroupPlace =
  | { readonly kind: 'usable'; readonly version: 1 | 2; readonly folder: string }
  /** `why` goes on from "because". */
  | { readonly kind: 'none'; readonly why: string };

/** What the kernel says of this process: the texts of /proc/self/cgroup and /proc/self/mountinfo. */
export interface CgroupFacts {
  readonly cgroup: string;
  readonly mountinfo: string;
}

/** Where a daemon makes room in a cgroup that may not hold processes itself: a place in there, and no place for others. */
export const daemonsOwnCgroup = 'hive-daemon';

/**
 * The cgroup of this process that has the controller, when cgroups can be made in it: version 1 where the controller is
 * there, else version 2. A cgroup is ours to divide when it was delegated (systemd's `Delegate=yes`), or to root.
 */
export function cgroupPlace(controller: CgroupController, facts: CgroupFacts = ownFacts()): CgroupPlace {
  const first = ownFolder(facts, 1, controller);
  if (first !== null) return ifWritable(1, first, ['cgroup.procs']);
  const own = ownFolder(facts, 2, controller);
  if (own === null) return { kind: 'none', why: 'this machine shows Hive no cgroups' };
  const folder = path.basename(own) === daemonsOwnCgroup ? path.dirname(own) : own;
  const controllers = readIfThere(path.join(folder, 'cgroup.controllers')).split(/\s+/);
  if (!controllers.includes(controller)) return { kind: 'none', why: `its cgroup ${folder} has no ${controller} controller (with systemd: Delegate=${controller} in hived's unit)` };
  return ifWritable(2, folder, ['cgroup.procs', 'cgroup.subtree_control']);
}

function ifWritable(version: 1 | 2, folder: string, files: readonly string[]): CgroupPlace {
  try {
    for (const file of ['', ...files]) accessSync(path.join(folder, file), constants.W_OK);
    return { kind: 'usable', version, folder };
  } catch {
    return { kind: 'none', why: `its cgroup ${folder} is not delegated to user ${userInfo().username} (with systemd: Delegate=yes in hived's unit)` };
  }
}

/** The folder of the cgroup that this process is in, of the hierarchy that has the controller. */
function ownFolder({ cgroup, mountinfo }: CgroupFacts, version: 1 | 2, controller: CgroupController): string | null {
  const own = linesOf(cgroup)
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .find((match) => (version === 2 ? match?.[1] === '' : match?.[1]?.split(',').includes(controller)))?.[2];
  if (own === undefined) return null;
  for (const line of linesOf(mountinfo)) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', mountPoint = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    const fits = version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
    if (!fits) continue;
    // In a container the mount may begin at its own cgroup.
    const below = root !== '/' && (own === root || own.startsWith(`${root}/`)) ? own.slice(root.length) : own;
    return path.join(unescaped(mountPoint), below);
  }
  return null;
}

function ownFacts(): CgroupFacts {
  return { cgroup: readIfThere('/proc/self/cgroup'), mountinfo: readIfThere('/proc/self/mountinfo') };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Spaces and the like are written in octal in mountinfo. */
function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
