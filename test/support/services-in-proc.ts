import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/**
 * The main processes of services that belong to a home, as the kernel knows them: leaders of their session whose
 * environment names the service. Asks no daemon. `doubled`: services that are there more than once.
 */
export function servicesInProc(home: string): { pids: Map<string, number>; doubled: string[] } {
  const pids = new Map<string, number>();
  const doubled: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fqn = serviceOf(Number(name), home);
    if (fqn === null) continue;
    if (pids.has(fqn)) doubled.push(fqn);
    pids.set(fqn, Number(name));
  }
  return { pids, doubled };
}

function serviceOf(pid: number, home: string): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || Number(session) !== pid) return null;
    // The output of a service goes into the logs of its home.
    if (!readlinkSync(`/proc/${pid}/fd/1`).startsWith(`${home}/`)) return null;
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return variables.find((variable) => variable.startsWith('HIVE_SERVICE_FQN='))?.slice('HIVE_SERVICE_FQN='.length) ?? null;
  } catch {
    return null;
  }
}
