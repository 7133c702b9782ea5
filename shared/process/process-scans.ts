import { markerIfReadable } from './environment-marker.js';
import { ticksPerSecond, ticksSinceBoot } from './machine.js';
import { isGone, type ProcessRow } from './process-row.js';
import { readProcessTable } from './proc-table.js';

/** All processes at one moment. */
export interface ProcessSnapshot {
  readonly table: ReadonlyMap<number, ProcessRow>;
  inSession(id: number): readonly ProcessRow[];
  childrenOf(pid: number): readonly ProcessRow[];
  /** Those that were executed with this marker in their environment. */
  markedWith(marker: string): readonly ProcessRow[];
  /** True when a young process had no environment to read, as while it is executed: it may turn out to be marked. */
  isUndecided(): boolean;
}

/** Until this age a process may be about to execute a program with another environment. */
const settledAfterTicks = 2 * ticksPerSecond;

/**
 * Takes snapshots for many askers at once: whoever asks before the next one is taken shares it, and scanning takes at
 * most half of the time however many ask. A snapshot is always newer than the question.
 */
export class ProcessScans {
  private next: Promise<ProcessSnapshot> | null = null;
  private notBefore = 0;
  private readonly markers = new Map<number, { readonly startTicks: number; readonly marker: string | null }>();

  constructor(private readonly markerName: string) {}

  take(): Promise<ProcessSnapshot> {
    this.next ??= new Promise((resolve, reject) => {
      const scan = (): void => {
        this.next = null;
        try {
          resolve(this.scan());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const waitMs = this.notBefore - performance.now();
      if (waitMs > 0) setTimeout(scan, waitMs);
      else setImmediate(scan);
    });
    return this.next;
  }

  private scan(): ProcessSnapshot {
    const started = performance.now();
    const table = readProcessTable();
    const now = ticksSinceBoot();
    for (const [pid, { startTicks }] of this.markers) {
      if (table.get(pid)?.startTicks !== startTicks) this.markers.delete(pid);
    }
    const finished = performance.now();
    this.notBefore = finished + (finished - started);
    const sessions = lazily(() => indexBy(table, (row) => row.sessionId));
    const children = lazily(() => indexBy(table, (row) => row.parentPid));
    let undecided = false;
    const markers = lazily(() =>
      indexBy(table, (row) => {
        const marker = this.markerOf(row, now);
        undecided ||= marker === undefined;
        return marker ?? null;
      }),
    );
    return {
      table,
      inSession: (id) => sessions().get(id) ?? [],
      childrenOf: (pid) => children().get(pid) ?? [],
      markedWith: (marker) => markers().get(marker) ?? [],
      isUndecided: () => {
        markers();
        return undecided;
      },
    };
  }

  /** Undefined when it cannot be told yet. */
  private markerOf(row: ProcessRow, now: number): string | null | undefined {
    if (row.isKernelThread || isGone(row)) return null;
    const known = this.markers.get(row.pid);
    if (known !== undefined && known.startTicks === row.startTicks) return known.marker;
    const marker = markerIfReadable(row.pid, this.markerName);
    const settled = now - row.startTicks > settledAfterTicks;
    if (typeof marker === 'string' || settled) this.markers.set(row.pid, { startTicks: row.startTicks, marker: marker ?? null });
    return settled ? (marker ?? null) : marker;
  }
}

function indexBy<Key>(table: ReadonlyMap<number, ProcessRow>, keyOf: (row: ProcessRow) => Key | null): Map<Key, ProcessRow[]> {
  const index = new Map<Key, ProcessRow[]>();
  for (const row of table.values()) {
    const key = keyOf(row);
    if (key === null) continue;
    const rows = index.get(key);
    if (rows === undefined) index.set(key, [row]);
    else rows.push(row);
  }
  return index;
}

/** What is never asked for is never built. */
function lazily<Value extends object>(build: () => Value): () => Value {
  let built: Value | undefined;
  return () => (built ??= build());
}
