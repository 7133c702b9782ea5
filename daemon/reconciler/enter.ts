import type { ErrorCode } from '../../shared/errors/index.js';
import type { NewEvent } from '../../shared/protocol/events.js';
import type { ExitResult, RunningInstance } from '../runner/runner.js';
import type { InstanceState, StopPurpose } from './instance-state.js';
import { healthByCluster, healthOfAll, replicaEvents } from './replicas.js';
import { decideRestart, noHistory, type RestartHistory } from './restart-policy.js';
import type { Effect, Step, StepContext } from './step.js';

/**
 * The doors: one function for each state that can be entered, with the events and effects that entering it means.
 * transitions.ts makes no state in any other way.
 */

interface Before {
  events?: readonly NewEvent[];
  effects?: readonly Effect[];
  history?: RestartHistory;
  restarted?: boolean;
}

function step(context: StepContext, next: InstanceState, before: Before, events: readonly NewEvent[], effects: readonly Effect[]): Step {
  return {
    next,
    history: before.history ?? context.history,
    events: [...(before.events ?? []), ...events],
    effects: [...(before.effects ?? []), ...effects],
    restarted: before.restarted ?? false,
  };
}

export function enterStopped(context: StepContext, before: Before = {}): Step {
  return step(context, { kind: 'stopped' }, { history: noHistory, ...before }, [], []);
}

/** Wanted, and about to look whether it may start. A start that somebody asked for begins with a clean history. */
export function enterWaiting(context: StepContext, before: Before = {}, why = 'it is wanted up'): Step {
  return step(context, { kind: 'waiting', on: '', blocked: false, why }, { history: noHistory, ...before }, [], [{ do: 'checkGate' }]);
}

export function enterBuilding(context: StepContext): Step {
  return step(context, { kind: 'building' }, {}, [], [{ do: 'build' }]);
}

export function enterStarting(context: StepContext, why: string, before: Before = {}): Step {
  const incarnation = context.nextIncarnation;
  return step(
    context,
    { kind: 'starting', incarnation },
    before,
    [{ type: 'service.starting', service: context.service, instance: context.instance, reason: why }],
    [{ do: 'launch', incarnation }],
  );
}

export function enterRunning(context: StepContext, process: RunningInstance): Step {
  const health = process.replicas === undefined ? { healthy: null, detail: null } : healthOfAll(process.replicas, {}, { healthy: null, detail: null });
  return step(context, { kind: 'running', process, ...health }, {}, [started(context, process), ...replicaEvents(context, null, process), ...(health.healthy === null ? [] : [healthByCluster(context, health.healthy)])], []);
}

/** Of a process that is known: the ladder begins. */
export function enterStopping(context: StepContext, process: RunningInstance, purpose: StopPurpose, before: Before = {}): Step {
  return step(context, { kind: 'stopping', incarnation: process.incarnation, launching: false, purpose }, before, [], [{ do: 'stop', process }]);
}

/** Of a launch that is still under way: the ladder begins when its process is known. */
export function enterStoppingLaunch(context: StepContext, incarnation: string, purpose: StopPurpose): Step {
  return step(context, { kind: 'stopping', incarnation, launching: true, purpose }, {}, [], []);
}

export function enterFailed(context: StepContext, failure: { why: string; code: ErrorCode | null; leftover?: RunningInstance; survivors?: readonly number[] }, before: Before = {}): Step {
  const { why, code, leftover = null, survivors = [] } = failure;
  return step(
    context,
    { kind: 'failed', why, code, leftover, survivors },
    before,
    [{ type: 'service.failed', service: context.service, instance: context.instance, reason: why, ...(code === null ? {} : { code }) }],
    [],
  );
}

/** How a run that nobody asked to end did end. */
export interface EndedRun {
  exit: ExitResult;
  uptimeMs: number;
  lastLines: readonly string[];
  diagnosis?: string;
  /** How it ended, as the beginning of a sentence, where the exit does not tell. */
  how?: string;
  /** It was not even started. */
  neverRan?: boolean;
  /** Why the exit means failure when it does not say so itself (an unhealthy service that was stopped). */
  code?: ErrorCode;
}

/** The restart policy decides where a run that ended leads to. */
export function enterWhatPolicySays(context: StepContext, run: EndedRun, before: Before = {}): Step {
  const decision = decideRestart(context.restart, run.exit, run.uptimeMs, context.history, context.nowMs, run);
  const why = run.diagnosis === undefined ? decision.why : `${decision.why}; ${run.diagnosis}`;
  const crashed = (restartInMs: number | null): NewEvent => ({
    type: 'service.crashed',
    service: context.service,
    instance: context.instance,
    ...exitFields(run.exit),
    restartInMs,
    uptimeMs: Math.round(run.uptimeMs),
    lastLines: [...run.lastLines],
    reason: why,
  });
  const events = before.events ?? [];
  switch (decision.kind) {
    case 'complete':
      return step(context, { kind: 'completed' }, { ...before, history: noHistory }, [{ type: 'service.completed', service: context.service, instance: context.instance }], []);
    case 'fail':
      return enterFailed(context, { why, code: run.code ?? null }, { ...before, events: [...events, crashed(null)] });
    case 'restart': {
      const after = { ...before, history: decision.history, restarted: true, events: [...events, crashed(decision.delayMs)] };
      if (decision.delayMs === 0) return enterStarting(context, why, after);
      return step(
        context,
        { kind: 'backoff', untilMs: context.nowMs + decision.delayMs, why },
        after,
        [],
        [{ do: 'wakeAfter', ms: decision.delayMs }],
      );
    }
  }
}

export function started(context: StepContext, process: RunningInstance): NewEvent {
  return { type: 'service.started', service: context.service, instance: context.instance, ...placeOf(process) };
}

/** By what an instance is found on its machine. */
export function placeOf({ pid, containerId }: RunningInstance): { pid?: number; containerId?: string } {
  return { ...(pid === 0 ? {} : { pid }), ...(containerId === undefined ? {} : { containerId }) };
}

export function stopped(context: StepContext, exit: ExitResult): NewEvent {
  return { type: 'service.stopped', service: context.service, instance: context.instance, ...exitFields(exit) };
}

function exitFields(exit: ExitResult): { exitCode: number | null; signal: string | null; unknown?: string } {
  switch (exit.kind) {
    case 'code':
      return { exitCode: exit.code, signal: null };
    case 'signal':
      return { exitCode: null, signal: exit.signal };
    case 'unknown':
      return { exitCode: null, signal: null, unknown: exit.reason };
  }
}
