import { isAlive, type ProcessIdentity } from '../../../shared/process/identity.js';
import { ticksPerSecond } from '../../../shared/process/machine.js';
import type { ExitResult } from '../runner.js';
import type { InstanceRecord } from './record.js';
import { readRecord, recordTime } from './record-file.js';

/** What a run folder says about its instance. */
export type InstanceState =
  | { readonly kind: 'free' }
  /** Somebody has the lock and has not written who, or died before it could. */
  | { readonly kind: 'unwritten' }
  | { readonly kind: 'starting'; readonly incarnation: string; readonly shim: ProcessIdentity }
  | { readonly kind: 'running'; readonly incarnation: string; readonly shim: ProcessIdentity | null; readonly main: ProcessIdentity }
  /** The service is gone; its shim is about to say how it ended. */
  | { readonly kind: 'ending'; readonly incarnation: string; readonly shim: ProcessIdentity; readonly main: ProcessIdentity }
  | { readonly kind: 'ended'; readonly incarnation: string; readonly main: ProcessIdentity | null; readonly exit: ExitResult; readonly at: Date; readonly ranMs?: number }
  /** The shim died before it wrote down a service: whether it had started one is not on record. */
  | { readonly kind: 'lost'; readonly incarnation: string }
  | { readonly kind: 'declined'; readonly incarnation: string };

/** Reads a run folder and looks at the processes that it names. */
export function readInstanceState(folder: string): InstanceState {
  const record = readRecord(folder);
  if (record === null || record.kind === 'unwritten') return decideInstanceState(record, { shim: false, service: false }, new Date());
  const alive = { shim: isAlive(record.shim), service: record.service !== null && isAlive(record.service) };
  if (record.exit !== null || alive.service || alive.shim) return decideInstanceState(record, alive, exitTime(folder, record));
  // The shim may have written the exit and gone between the first look at the record and the look at the processes.
  const again = readRecord(folder) ?? record;
  return decideInstanceState(again, { shim: false, service: false }, exitTime(folder, again));
}

function exitTime(folder: string, record: InstanceRecord): Date {
  return record.kind === 'written' && record.exit !== null ? recordTime(folder) : new Date();
}

export function decideInstanceState(
  record: InstanceRecord | null,
  alive: { readonly shim: boolean; readonly service: boolean },
  at: Date,
): InstanceState {
  if (record === null) return { kind: 'free' };
  if (record.kind === 'unwritten') return { kind: 'unwritten' };
  const { incarnation, shim, service } = record;
  if (record.declined) return { kind: 'declined', incarnation };
  if (record.exit !== null) {
    const ranMs = service === null || record.endedAtUptime === null ? undefined : Math.max(0, (record.endedAtUptime - service.startTicks / ticksPerSecond) * 1_000);
    return { kind: 'ended', incarnation, main: service, exit: record.exit, at, ...(ranMs === undefined ? {} : { ranMs }) };
  }
  if (service === null) return alive.shim ? { kind: 'starting', incarnation, shim } : { kind: 'lost', incarnation };
  if (alive.service) return { kind: 'running', incarnation, shim: alive.shim ? shim : null, main: service };
  if (alive.shim) return { kind: 'ending', incarnation, shim, main: service };
  return { kind: 'ended', incarnation, main: service, exit: { kind: 'unknown', reason: 'Its shim was gone before it could say how the service ended.' }, at };
}
