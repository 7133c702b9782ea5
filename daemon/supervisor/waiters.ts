import { HiveError, type ErrorCode } from '../../shared/errors/index.js';
import type { Service } from '../../shared/protocol/results.js';

export type WaitFor = 'running' | 'healthy' | 'stopped' | 'completed';

/** What a wait looks at. */
export interface WaitView {
  readonly service: Service;
  readonly hasHealthCheck: boolean;
  /** What holds the service back will not change until somebody acts. */
  readonly blocked: boolean;
  /** Hooks keep it from counting as up or as down. */
  readonly isBetween: boolean;
  /** Why a hook called its last stop off; null: it did not. */
  readonly calledOff: string | null;
  readonly failureCode: ErrorCode | null;
}

/** Whether a wait is over: reached, out of reach (an error), or not yet. Pure. */
export function judgeWait(view: WaitView, condition: WaitFor): 'reached' | 'not yet' | HiveError {
  const { service } = view;
  const { state } = service;
  if (view.isBetween && state !== 'failed') return outOfReach(view, condition) ?? 'not yet';
  switch (condition) {
    case 'running':
    case 'healthy':
      if (state === 'running' && (condition === 'running' || service.healthy === true || !view.hasHealthCheck)) return 'reached';
      // A service that ends by design has done what was wanted of it.
      if (state === 'completed' && service.wanted === 'up') return 'reached';
      break;
    case 'completed':
      if (state === 'completed') return 'reached';
      break;
    case 'stopped':
      if (state === 'stopped' || state === 'completed') return 'reached';
      if (state === 'failed' && view.failureCode !== 'STOP_FAILED') return 'reached';
      break;
  }
  return outOfReach(view, condition) ?? 'not yet';
}

function outOfReach({ service, blocked, failureCode, calledOff }: WaitView, condition: WaitFor): HiveError | null {
  const { fqn, reason, state, wanted } = service;
  const data = { fqn, state };
  if (state === 'failed') {
    return new HiveError(failureCode ?? 'SERVICE_FAILED', `${fqn} failed: ${reason.replace(/\.$/, '')}.`, { next: `Read \`hivectl logs ${fqn}\`, mend the cause, then \`hivectl start ${fqn}\`.`, data });
  }
  if (condition === 'stopped') {
    if (calledOff !== null) return new HiveError('HOOK_FAILED', `${fqn} was not stopped: ${calledOff}.`, { next: `Read \`hivectl logs ${fqn} --stream hook\`, mend the hook, then stop it again.`, data });
    // Only what nobody can ask about waits although it is wanted down.
    if (wanted === 'down' && state === 'waiting' && blocked) {
      return new HiveError('ENGINE_UNAVAILABLE', `${fqn} cannot be stopped now: ${reason.replace('ENGINE_UNAVAILABLE: ', '')}.`, { next: 'It is stopped as soon as its engine answers.', data });
    }
    return wanted === 'up' && state !== 'stopping'
      ? new HiveError('CONFLICT', `${fqn} will not stop: it is wanted up and ${state}.`, { next: `Stop it with \`hivectl stop ${fqn}\`.`, data })
      : null;
  }
  if (wanted === 'down') return new HiveError('CONFLICT', `${fqn} will not come up: it is wanted down.`, { next: `Start it with \`hivectl start ${fqn}\`.`, data });
  if (state === 'waiting' && blocked) {
    if (reason.includes('ENGINE_UNAVAILABLE')) return new HiveError('ENGINE_UNAVAILABLE', `${fqn} cannot start: ${reason.replace('ENGINE_UNAVAILABLE: ', '')}.`, { next: 'It starts by itself when its engine answers.', data });
    return new HiveError('DEPENDENCY_FAILED', `${fqn} cannot start: it is ${reason}.`, { next: 'Mend or start what it waits for; it then starts by itself.', data });
  }
  return null;
}
