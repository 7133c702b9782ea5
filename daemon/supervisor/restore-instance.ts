import { verdictsOnPresent } from '../reconciler/replicas.js';
import type { InstanceEvent } from '../reconciler/instance-event.js';
import type { InstanceState } from '../reconciler/instance-state.js';
import type { InstanceExit, RunningInstance } from '../runner/runner.js';
import type { InstanceRecord } from './instance-records.js';

/** What the runner found of an instance when the daemon came up. */
export type Found =
  | { readonly kind: 'living'; readonly process: RunningInstance }
  | { readonly kind: 'exited'; readonly exit: InstanceExit; readonly lastLines: readonly string[] }
  | { readonly kind: 'nothing' };

/** Where an instance's story goes on. `adopted`: it is alive and supervised from now on. */
export interface Restored {
  readonly state: InstanceState;
  readonly adopted: boolean;
  /** Posted once the daemon is ready to act. */
  readonly events: readonly InstanceEvent[];
  /** An end that is already on disk: its run record may go. */
  readonly forget: string | null;
  /** The incarnation that was being stopped, of which something may be left: its stop goes on. */
  readonly stopAgain: string | null;
  /** The remembered run is the one that was found. */
  readonly keepsRun: boolean;
}

/**
 * Puts together what state.db remembers and what the runner found. What lives is never doubted: the record only says how
 * far its story was told. Pure.
 */
export function restoreInstance(record: InstanceRecord | undefined, found: Found, wanted: 'up' | 'down', boot: string): Restored {
  const told = record === undefined ? null : incarnationOf(record.state);
  const sameBoot = record?.boot === boot;
  switch (found.kind) {
    case 'living':
      return restoreLiving(record, found.process, told, wanted);
    case 'exited':
      if (record !== undefined && told === found.exit.incarnation) return restoreExited(record, found, sameBoot, wanted);
      // Either its end was told before, or state.db never heard of it: then all that is left to do is to start anew.
      return { ...restoreAbsent(record, sameBoot, wanted, boot), forget: found.exit.incarnation };
    case 'nothing':
      return restoreAbsent(record, sameBoot, wanted, boot);
  }
}

/**
 * Whether an instance lives of which state.db has never heard. Every launch is on disk before it happens, so the state is
 * older than what runs: it was lost, or an old copy was put back. What lives then says what was wanted last.
 */
export function livesBeyondRecord(record: InstanceRecord | undefined, found: Found): boolean {
  return found.kind === 'living' && (record === undefined || incarnationOf(record.state) !== found.process.incarnation);
}

function restoreLiving(record: InstanceRecord | undefined, process: RunningInstance, told: string | null, wanted: 'up' | 'down'): Restored {
  const known = told === process.incarnation ? record?.state : undefined;
  const healthy = known?.kind === 'running' ? known.healthy : null;
  const detail = known?.kind === 'running' ? known.detail : null;
  const base = { adopted: true, forget: null, stopAgain: null, keepsRun: known !== undefined };
  const down: InstanceEvent[] = wanted === 'down' ? [{ kind: 'stop' }] : [];
  if (known?.kind === 'starting') {
    return { ...base, keepsRun: false, state: known, events: [{ kind: 'launched', process }, ...down] };
  }
  const replicas = known?.kind === 'running' && process.replicas !== undefined ? { replicas: verdictsOnPresent(process.replicas, known.replicas ?? {}) } : {};
  const state: InstanceState = { kind: 'running', process, healthy, detail, ...replicas };
  if (known?.kind === 'stopping' && wanted === 'up') {
    if (known.purpose.kind === 'giveUp') return { ...base, state, events: [known.purpose] };
    return { ...base, state, events: [{ kind: 'restart', why: 'it was being restarted when the daemon ended' }] };
  }
  return { ...base, state, events: down };
}

function restoreExited(record: InstanceRecord, { exit: found, lastLines }: Found & { kind: 'exited' }, sameBoot: boolean, wanted: 'up' | 'down'): Restored {
  if (!sameBoot) return startAnew(wanted, 'the machine was rebooted', found.incarnation);
  const { incarnation } = found;
  const process: RunningInstance = { ref: found.ref, incarnation, pid: found.pid ?? 0, startedAt: found.startedAt ?? found.at };
  const base = { adopted: false, forget: null, stopAgain: null, keepsRun: true };
  if (record.state.kind === 'stopping') {
    return { ...base, state: unfinishedStop(record.state, wanted), events: [], stopAgain: incarnation };
  }
  const uptimeMs = found.ranMs ?? Math.max(0, found.at.getTime() - process.startedAt.getTime());
  const exited: InstanceEvent = { kind: 'exited', incarnation, exit: found.exit, uptimeMs, lastLines, ...(found.diagnosis === undefined ? {} : { diagnosis: found.diagnosis }) };
  if (record.state.kind === 'starting') {
    return { ...base, keepsRun: false, state: record.state, events: [{ kind: 'launched', process }, exited] };
  }
  const down: InstanceEvent[] = wanted === 'down' ? [{ kind: 'stop' }] : [];
  return { ...base, state: { kind: 'running', process, healthy: null, detail: null }, events: [exited, ...down] };
}

function restoreAbsent(record: InstanceRecord | undefined, sameBoot: boolean, wanted: 'up' | 'down', boot: string): Restored {
  const base = { adopted: false, forget: null, stopAgain: null, keepsRun: true };
  const comesUp = 'the daemon came up and it is wanted up';
  if (record === undefined) return startAnew(wanted, comesUp);
  if (!sameBoot || record.boot !== boot) return startAnew(wanted, 'the machine was rebooted');
  const { state } = record;
  const down: InstanceEvent[] = wanted === 'down' ? [{ kind: 'stop' }] : [];
  switch (state.kind) {
    case 'stopped':
    case 'waiting':
    case 'building':
      return startAnew(wanted, comesUp);
    case 'starting':
      // A restart that was due goes on with its history: a start from scratch would make backoff begin anew.
      if (wanted === 'down' || record.history.shortRuns === 0) return startAnew(wanted, comesUp);
      return { ...base, state: { kind: 'backoff', untilMs: 0, why: 'was being restarted when the daemon ended' }, events: [{ kind: 'backoffOver' }] };
    case 'running':
      return {
        ...base,
        state,
        events: [
          { kind: 'exited', incarnation: state.process.incarnation, exit: { kind: 'unknown', reason: 'its run record is gone' }, uptimeMs: 0, lastLines: [] },
          ...down,
        ],
      };
    case 'stopping':
      return { ...base, state: unfinishedStop(state, wanted), events: [], stopAgain: state.incarnation };
    case 'backoff':
    case 'failed':
    case 'completed':
      return { ...base, state, events: down };
  }
}

/** The start that overtook a stop may be known only from what is wanted. */
function unfinishedStop(state: InstanceState & { kind: 'stopping' }, wanted: 'up' | 'down'): InstanceState {
  const purpose = wanted === 'up' && state.purpose.kind === 'down' ? { kind: 'restart', why: 'it was wanted up while it was being stopped' } as const : state.purpose;
  return { ...state, launching: false, purpose };
}

function startAnew(wanted: 'up' | 'down', why: string, forget: string | null = null): Restored {
  return { state: { kind: 'stopped' }, adopted: false, events: wanted === 'up' ? [{ kind: 'start', why }] : [], forget, stopAgain: null, keepsRun: false };
}

/** The life that a state speaks of; null where it speaks of none. */
export function incarnationOf(state: InstanceState): string | null {
  switch (state.kind) {
    case 'starting':
    case 'stopping':
      return state.incarnation;
    case 'running':
      return state.process.incarnation;
    case 'failed':
      return state.leftover?.incarnation ?? null;
    default:
      return null;
  }
}
