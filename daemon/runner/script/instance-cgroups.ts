import { mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LimitsSpec } from '../../../shared/config/service-spec.js';
import { cgroupPlace, daemonsOwnCgroup, type CgroupController } from '../../../shared/process/cgroups.js';
import { namesIn } from './run-folder.js';

type CgroupLimits = Partial<Pick<LimitsSpec, 'memoryBytes' | 'cpu'>>;

/**
 * The cgroups of instances with `limits.memory` or `limits.cpu`: one for each incarnation (in version 1, one for each
 * controller), which its main process enters itself before it is executed. Their folders are written down next to the
 * instance's record, so that the next daemon finds them.
 */

/** Makes the cgroups of an incarnation and sets its limits. Returns the folders to enter; throws a sentence's worth of reason. */
export function makeCgroups(runFolder: string, incarnation: string, limits: CgroupLimits): string[] {
  const byFolder = new Map<string, [file: string, text: string][]>();
  for (const [controller, value] of [['memory', limits.memoryBytes], ['cpu', limits.cpu]] as const) {
    if (value === null || value === undefined) continue;
    const place = cgroupPlace(controller);
    if (place.kind === 'none') throw new Error(`limits.${controller} cannot be enforced here, because ${place.why}`);
    if (place.version === 2) passOn(place.folder, controller);
    const folder = path.join(place.folder, nameOf(incarnation));
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), ...limitFiles(place.version, controller, value)]);
  }
  const folders = [...byFolder.keys()];
  if (folders.length === 0) return [];
  writeFileSync(listOf(runFolder, incarnation), folders.map((folder) => `${folder}\n`).join(''), { mode: 0o600 });
  for (const [folder, files] of byFolder) {
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of files) write(path.join(folder, file), text);
  }
  return folders;
}

/** What is written for a limit; a file whose name ends with `?` may be missing. Swap is no way around a memory limit. */
export function limitFiles(version: 1 | 2, controller: CgroupController, value: number): [file: string, text: string][] {
  if (controller === 'memory') {
    return version === 1 ? [['memory.limit_in_bytes', `${value}`], ['memory.memsw.limit_in_bytes?', `${value}`]] : [['memory.max', `${value}`], ['memory.swap.max?', '0']];
  }
  const quota = Math.max(leastQuota, Math.round(value * period));
  return version === 1 ? [['cpu.cfs_period_us', `${period}`], ['cpu.cfs_quota_us', `${quota}`]] : [['cpu.max', `${quota} ${period}`]];
}

/** Microseconds. */
const period = 100_000;
const leastQuota = 1_000;

/** The processes in the cgroups of an incarnation, which are its own whatever they made of their environment and session. */
export function pidsInCgroups(runFolder: string, incarnation: string): number[] {
  return cgroupsOf(runFolder, incarnation).flatMap((folder) => readIfThere(path.join(folder, 'cgroup.procs')).split('\n').map(Number).filter((pid) => pid > 0));
}

/** A sentence when the kernel ended processes of the incarnation because of its memory limit. */
export function memoryDiagnosis(runFolder: string, incarnation: string): string | undefined {
  for (const folder of cgroupsOf(runFolder, incarnation)) {
    const killed = /^oom_kill (\d+)$/m.exec(readIfThere(path.join(folder, 'memory.events')) || readIfThere(path.join(folder, 'memory.oom_control')))?.[1];
    if (Number(killed ?? 0) === 0) continue;
    const limit = Number(readIfThere(path.join(folder, 'memory.max')) || readIfThere(path.join(folder, 'memory.limit_in_bytes')));
    return `The kernel killed ${killed === '1' ? 'a process of it' : `${killed} processes of it`}: it used more than its limits.memory of ${Math.round(limit / 1024 / 1024)} MB.`;
  }
  return undefined;
}

/** Takes the empty cgroups of an incarnation away. One that is not empty stays, and its list with it. */
export function removeCgroups(runFolder: string, incarnation: string): void {
  const folders = cgroupsOf(runFolder, incarnation);
  if (folders.length > 0 && folders.every(isRemoved)) rmSync(listOf(runFolder, incarnation), { force: true });
}

/** The same for incarnations of which something could not be taken away when they ended. */
export function removeOldCgroups(runFolder: string): void {
  for (const name of namesIn(runFolder)) if (name.startsWith(listPrefix)) removeCgroups(runFolder, name.slice(listPrefix.length));
}

function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Whatever a list says, only cgroups that bear the incarnation's name are its own: everybody in one may be killed. */
function cgroupsOf(runFolder: string, incarnation: string): string[] {
  return readIfThere(listOf(runFolder, incarnation)).split('\n').filter((folder) => path.basename(folder) === nameOf(incarnation));
}

function nameOf(incarnation: string): string {
  return `hive-${incarnation}`;
}

const listPrefix = 'cgroups.';

function listOf(runFolder: string, incarnation: string): string {
  return path.join(runFolder, `${listPrefix}${incarnation}`);
}

/**
 * Lets cgroups below have the controller (version 2). A cgroup that passes controllers on may hold no processes itself, so
 * everybody in it, this daemon first, moves into one beside those of the instances.
 */
function passOn(folder: string, controller: CgroupController): void {
  const control = path.join(folder, 'cgroup.subtree_control');
  if (readIfThere(control).split(/\s+/).includes(controller)) return;
  try {
    write(control, `+${controller}`);
  } catch {
    const room = path.join(folder, daemonsOwnCgroup);
    mkdirSync(room, { recursive: true });
    for (const pid of readIfThere(path.join(folder, 'cgroup.procs')).split('\n')) if (pid !== '') write(path.join(room, 'cgroup.procs?'), pid);
    write(control, `+${controller}`);
  }
}

function write(file: string, text: string): void {
  const optional = file.endsWith('?');
  try {
    writeFileSync(optional ? file.slice(0, -1) : file, text, { flag: 'r+' });
  } catch (error) {
    if (!optional) throw new Error(`${file} does not take "${text}": ${(error as Error).message}`, { cause: error });
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
