import { readdirSync, readFileSync } from 'node:fs';

/** A process that no other can be taken for: pids are used again, start times within one boot are not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, from /proc; a string because it is only ever compared. */
  readonly startTime: string;
  readonly bootId: string;
}

interface Stat { readonly state: string; readonly group: number; readonly session: number; readonly startTime: string }

let bootId: string | undefined;

/** Who has this pid now; null: nobody, or only a zombie, which waits for its parent and does nothing any more. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return null;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { pid, startTime: stat.startTime, bootId };
}

/** Whether exactly this process still lives. */
export function isAlive(process: ProcessIdentity): boolean {
  const now = identify(process.pid);
  return now !== null && now.startTime === process.startTime && now.bootId === process.bootId;
}

/** Resident memory in bytes; null when there is no such process. */
export function residentMemory(pid: number): number | null {
  const pages = readText(`/proc/${pid}/statm`)?.split(' ')[1];
  return pages === undefined ? null : Number(pages) * 4096;
}

/** Every living process of this user that carries `name=value` in the environment it was started with. */
export function processesTagged(name: string, value: string): ProcessIdentity[] {
  return livingWhere((pid) => environmentOf(pid).includes(`${name}=${value}`));
}

/** Every living process of the group that the process with this pid leads or led. */
export function processesOfGroup(leader: number): ProcessIdentity[] {
  return livingWhere((pid) => {
    const stat = readStat(pid);
    return stat !== null && stat.group === leader && stat.session === leader;
  });
}

/** One variable of the environment a process was started with. */
export function variableOf(pid: number, name: string): string | undefined {
  return environmentOf(pid).find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

function livingWhere(holds: (pid: number) => boolean): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    // Identity first: were the pid to change hands in between, it would not be the one that is signalled later.
    const identity = identify(pid);
    if (identity !== null && holds(pid)) found.push(identity);
  }
  return found;
}

function environmentOf(pid: number): string[] {
  return readText(`/proc/${pid}/environ`)?.split('\0') ?? [];
}

function readStat(pid: number): Stat | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in brackets may hold anything, brackets and spaces too: the fields begin after the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, , group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return null;
  return { state, group: Number(group), session: Number(session), startTime };
}

/** Null: the process is gone, or belongs to somebody else. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
