import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootId } from '../../../shared/process/machine.js';
import { isGone, type ProcessRow } from '../../../shared/process/process-row.js';
import { readProcessTable } from '../../../shared/process/proc-table.js';
import { incarnationScans } from './incarnation-scans.js';
import { readInstanceState, type InstanceState } from './instance-state.js';

export type SettledState = Extract<InstanceState, { kind: 'free' | 'running' | 'ended' | 'declined' | 'unwritten' }>;

const patienceMs = 3_000;

/**
 * Waits until a run folder says something lasting. Shims pass through the other states within milliseconds; what stays
 * in one of them had its shim killed or stopped there, and is decided by looking at the machine's processes.
 * `unwritten` is returned when nobody can be at work on the folder any more: the lock is a dead one.
 */
export async function settleInstance(folder: string): Promise<SettledState> {
  const started = performance.now();
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    const patient = performance.now() - started < patienceMs;
    const state = readInstanceState(folder);
    switch (state.kind) {
      case 'free':
      case 'running':
      case 'ended':
      case 'declined':
        return state;
      case 'starting':
        // A shim that is stopped here holds the lock for good: to the caller that is a living instance without a service.
        if (!patient) return { kind: 'running', incarnation: state.incarnation, shim: state.shim, main: state.shim };
        break;
      case 'ending':
        if (!patient) return ended(state.incarnation, 'Its shim does not answer.', state.main);
        break;
      case 'unwritten':
        if (!patient || !somebodyStandsIn(folder, readProcessTable().values())) {
          const again = readInstanceState(folder);
          if (again.kind === 'unwritten') return again;
        }
        break;
      case 'lost': {
        const snapshot = await incarnationScans.take();
        const main = snapshot.markedWith(state.incarnation).reduce<ProcessRow | null>((oldest, row) => (oldest === null || row.startTicks < oldest.startTicks ? row : oldest), null);
        if (main !== null) {
          return { kind: 'running', incarnation: state.incarnation, shim: null, main: { bootId: bootId(), pid: main.pid, startTicks: main.startTicks } };
        }
        const mayBeComing = snapshot.isUndecided() || somebodyStandsIn(folder, snapshot.table.values());
        if (!patient || !mayBeComing) return ended(state.incarnation, 'Its shim was killed before it had started the service.', null);
        break;
      }
    }
    await sleep(pauseMs);
  }
}

function ended(incarnation: string, reason: string, main: Extract<InstanceState, { kind: 'ended' }>['main']): SettledState {
  return { kind: 'ended', incarnation, main, exit: { kind: 'unknown', reason }, at: new Date() };
}

/** A shim stands in its run folder from before it takes the lock, and so does its service until it carries its marker. */
function somebodyStandsIn(folder: string, rows: Iterable<ProcessRow>): boolean {
  for (const row of rows) {
    if (row.isKernelThread || isGone(row)) continue;
    try {
      if (readlinkSync(`/proc/${row.pid}/cwd`) === folder) return true;
    } catch {
      continue;
    }
  }
  return false;
}
