import type { InstanceMemory } from './instance-actor.js';
import type { InstanceRecord } from './instance-records.js';
import { bootId, monotonicMs } from './monotonic-clock.js';
import { incarnationOf, type Found } from './restore-instance.js';

/** What a new daemon knows of an instance's past. Monotonic times count only within one boot of the machine. */
export function memoryOf(record: InstanceRecord | undefined, keepsRun: boolean, found: Found): InstanceMemory {
  const sameBoot = record?.boot === bootId();
  const remembered = keepsRun && record !== undefined && record.startedAt !== null && record.startedAtMs !== null ? { startedAt: new Date(record.startedAt), startedAtMs: record.startedAtMs } : null;
  const startedAt = found.kind === 'living' ? found.process.startedAt : null;
  const measured = startedAt === null ? null : { startedAt, startedAtMs: monotonicMs() - Math.max(0, Date.now() - startedAt.getTime()) };
  return {
    history: record !== undefined && sameBoot ? record.history : { shortRuns: 0, restartedAtMs: [] },
    restarts: record?.restarts ?? 0,
    run: remembered ?? measured,
    runHash: record !== undefined && found.kind === 'living' && incarnationOf(record.state) === found.process.incarnation ? record.runHash : null,
    lastExit: record === undefined || record.lastExit === null ? null : { exit: record.lastExit.exit, at: new Date(record.lastExit.at) },
  };
}
