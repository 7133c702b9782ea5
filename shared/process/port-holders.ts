import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { commandOf, readProcess } from './proc-table.js';

/** Who listens on a TCP port of this machine. */
export interface PortHolder {
  readonly port: number;
  /** Null when it belongs to somebody else and this process may not look. */
  readonly pid: number | null;
  /** Its command line, or its name in brackets where there is none. */
  readonly command: string | null;
  /** The user whose socket it is. */
  readonly uid: number;
}

/**
 * Who listens on each of these ports, as far as anybody does on 127.0.0.1 or on all addresses. Reads all of /proc: some
 * ten milliseconds, for when a port is known to be taken; in between, the loop goes on.
 */
export async function portHolders(ports: readonly number[]): Promise<Map<number, PortHolder>> {
  const sockets = listeningSockets(new Set(ports));
  const owners = sockets.length === 0 ? new Map<string, number>() : await ownersOf(new Set(sockets.map(({ inode }) => inode)));
  const holders = new Map<number, PortHolder>();
  for (const { port, inode, uid } of sockets) {
    const pid = owners.get(inode) ?? null;
    if (holders.has(port) && pid === null) continue;
    const row = pid === null ? null : readProcess(pid);
    holders.set(port, { port, uid, pid: row === null ? null : pid, command: row === null ? null : commandOf(row) });
  }
  return holders;
}

/** `pid 4711 (nginx: master process)`, or whose it is where nobody may look. */
export function describeHolder({ pid, command, uid }: PortHolder): string {
  if (pid !== null) return `pid ${pid} (${command ?? '?'})`;
  return `a program of ${uid === 0 ? 'root' : `the user with id ${uid}`}, which user ${userInfo().username} may not look at`;
}

interface ListeningSocket {
  readonly port: number;
  readonly inode: string;
  readonly uid: number;
}

const listening = '0A';

/** Addresses as /proc/net writes them on which a listener also gets what is sent to 127.0.0.1. */
const reachesLoopback = new Set([
  '00000000', '0100007F',
  '00000000000000000000000000000000', '0000000000000000FFFF000000000000', '0000000000000000FFFF00000100007F',
]);

function listeningSockets(ports: ReadonlySet<number>): ListeningSocket[] {
  return ['tcp', 'tcp6'].flatMap((table) => linesOf(`/proc/net/${table}`).flatMap((line) => {
    const [, local = '', , state, , , , uid = '0', , inode = ''] = line.trim().split(/\s+/);
    if (state !== listening) return [];
    const [address = '', port = ''] = local.split(':');
    const number = Number.parseInt(port, 16);
    return ports.has(number) && reachesLoopback.has(address) ? [{ port: number, inode, uid: Number(uid) }] : [];
  }));
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').split('\n').slice(1);
  } catch {
    return [];
  }
}

/** The first process that has each of the sockets open. A prefork server's main process comes first: it is the oldest. */
async function ownersOf(inodes: ReadonlySet<string>): Promise<Map<string, number>> {
  const owners = new Map<string, number>();
  const pids = readdirSync('/proc').map(Number).filter((pid) => pid > 0).sort((a, b) => a - b);
  for (const [index, pid] of pids.entries()) {
    if (index % 32 === 31) await new Promise((resolve) => setImmediate(resolve));
    for (const inode of socketsOf(pid)) if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
    if (owners.size === inodes.size) break;
  }
  return owners;
}

function socketsOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    // It is gone, or not ours to look at.
    return [];
  }
}
