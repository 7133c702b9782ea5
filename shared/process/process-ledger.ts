import { readdirSync, readFileSync } from 'node:fs';
import { markerIfReadable } from './environment-marker.js';
import { ticksPerSecond, ticksSinceBoot } from './machine.js';
import { isGone } from './process-row.js';
import { readProcess } from './proc-table.js';
import { readProc } from './read-proc.js';

/** What was found out of a process, and stays true for as long as it lives. */
interface Entry {
  readonly marker: string | null;
  readonly sessionId: number;
}

/** Until this age a process may be about to execute a program with another environment. */
const settledAfterTicks = 2 * ticksPerSecond;

/**
 * Answers in a fraction of a millisecond what a scan of all processes answers in ten: whether nobody is left of a marker
 * and a session. Each process is looked at once; what was seen at every look since is the same process, as long as too
 * few were forked in between for any pid to be given out again.
 */
export class ProcessLedger {
  private entries = new Map<number, Entry>();
  private forksBefore = 0;

  constructor(private readonly markerName: string) {}

  /**
   * True only when that is certain: no living process carries the marker or is in the session or group of that number.
   * False: somebody is left, or it cannot be told so quickly.
   * @param others pids that are known to live and to belong to somebody else
   */
  isNobodyLeft(marker: string, session: number, others: ReadonlySet<number>): boolean {
    const forks = forksSinceBoot();
    const now = ticksSinceBoot();
    const entries = new Map<number, Entry>();
    let certain = true;
    const pids = readdirSync('/proc');
    const known = this.isStillTrue() ? this.entries : new Map<number, Entry>();
    for (const name of pids) {
      const first = name.charCodeAt(0);
      if (first < 0x31 || first > 0x39) continue;
      const pid = Number(name);
      const entry = known.get(pid);
      if (entry !== undefined) {
        entries.set(pid, entry);
        if (entry.marker === marker || entry.sessionId === session) certain = false;
      } else if (!others.has(pid) && this.look(pid, marker, session, now, entries) === 'doubtful') certain = false;
    }
    this.entries = entries;
    this.forksBefore = forks;
    return certain;
  }

  private look(pid: number, marker: string, session: number, now: number, entries: Map<number, Entry>): 'other' | 'doubtful' {
    const row = readProcess(pid);
    // It has gone since it was listed, and may have left a child that was not.
    if (row === null) return 'doubtful';
    if (isGone(row)) return row.sessionId === session ? 'doubtful' : 'other';
    const own = row.isKernelThread ? null : markerIfReadable(pid, this.markerName);
    const settled = row.isKernelThread || now - row.startTicks > settledAfterTicks;
    if (own === undefined && !settled) return 'doubtful';
    if (settled || typeof own === 'string') entries.set(pid, { marker: own ?? null, sessionId: row.sessionId });
    return own === marker || row.sessionId === session || row.groupId === session ? 'doubtful' : 'other';
  }

  private isStillTrue(): boolean {
    return this.forksBefore > 0 && (forksSinceBoot() - this.forksBefore) * 2 < largestPid();
  }
}

/** Every process and thread that was ever made counts. 0 where that is not told. */
function forksSinceBoot(): number {
  return Number(/^processes (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? 0);
}

let pidLimit: number | undefined;

function largestPid(): number {
  pidLimit ??= Number(readProc('/proc/sys/kernel/pid_max') ?? 0);
  return pidLimit;
}
