import type { InstanceState } from '../reconciler/instance-state.js';
import type { PendingCause } from '../state/state-store.js';
import type { InstanceActor } from '../supervisor/instance-actor.js';
import type { SupervisedService } from '../supervisor/supervised-service.js';
import type { Supervision } from '../supervisor/supervision.js';
import { countSteps, type HookEvent } from './hook-steps.js';
import type { StepOutcome } from './run-step.js';
import { nameStep, type TransitionFacts } from './transition.js';
import type { Subject } from './transitions.js';

/** What a service's transitions need beside the supervision. */
export interface ServiceHooksWorld {
  /** Whether the hooks of its source let it start. */
  sourceLetsStart(source: string): boolean;
  run(service: SupervisedService, hook: HookEvent, step: number, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome>;
  /** A stop was called off, and why; shown with the service until it goes up or down again. */
  calledOff(service: SupervisedService, sentence: string): void;
  rested(service: SupervisedService, cause: PendingCause): void;
}

/** A service between up and down. */
export function serviceSubject(all: Supervision, service: SupervisedService, world: ServiceHooksWorld): Subject {
  const counts = () => countSteps(service.spec.hooks);
  return {
    key: service.fqn,
    counts,
    facts: () => factsOf(all, service, world),
    run: (hook, step, signal, cause) => world.run(service, hook, step, signal, cause),
    openGate: (cause) => checkGates(all, service, cause),
    bringDown: (why, cause) => (all.wanted(service) === 'up' ? restartAll(all, service, why, cause) : stopAll(all, service, cause)),
    comeUp: (why, cause) => {
      if (all.wanted(service) === 'up') for (const actor of all.fleet.staying(service)) if (actor.state.kind !== 'waiting') all.orders.startWithPresentSpec(service, actor, why, cause);
    },
    giveUp: (hook, step, reason, cause) => giveUp(service, `${wordsOf[hook]}: ${nameStep(hook, step, counts(), 'its')} ${reason}`, cause),
    keepUp: (hook, step, reason) => {
      const what = all.wanted(service) === 'up' ? 'restart' : 'stop';
      if (!keepWanted(all, service)) return false;
      world.calledOff(service, `its ${what} was called off: ${nameStep(hook, step, counts(), 'its')} ${reason}`);
      return true;
    },
    rested: (cause) => {
      if (all.wanted(service) === 'down') for (const actor of service.actors) if (!isAlive(actor.state)) actor.post({ kind: 'stop' }, cause);
      world.rested(service, cause);
    },
    shown: () => show(all, service),
  };
}

/** How a service that was given up on is spoken of: `it was not started: …`. */
export const wordsOf: Readonly<Record<HookEvent, string>> = {
  'pre-up': 'was not started',
  'post-up': 'was stopped again',
  'pre-down': 'was not stopped',
  'post-down': 'was not started again',
};

export function giveUp(service: SupervisedService, why: string, cause: PendingCause): void {
  for (const actor of service.actors) actor.post({ kind: 'giveUp', why, code: 'HOOK_FAILED' }, cause);
}

/** Wants a service up again that a hook keeps from being stopped. False: it has to go all the same. */
export function keepWanted(all: Supervision, service: SupervisedService): boolean {
  if (all.halting) return false;
  service.leaving = false;
  if (all.wanted(service) === 'down') {
    all.intents.remember([service.fqn], 'up');
    void all.store.record((tx) => all.intents.write(tx, [service.fqn], 'up'));
  }
  return true;
}

/** A process of it lives, or may do so at any moment. */
export function isAlive(state: InstanceState): boolean {
  switch (state.kind) {
    case 'building':
    case 'starting':
    case 'running':
    case 'stopping':
      return true;
    case 'failed':
      return state.leftover !== null;
    case 'stopped':
    case 'waiting':
    case 'backoff':
    case 'completed':
      return false;
  }
}

export function isReady(service: SupervisedService, actor: InstanceActor): boolean {
  const { state } = actor;
  return state.kind === 'completed' || (state.kind === 'running' && (service.hasHealthCheck ? state.healthy === true : state.healthy !== false));
}

export function stopAll(all: Supervision, service: SupervisedService, cause: PendingCause): void {
  all.orders.stopInstances(service, cause);
}

/** All but those that are on their way out. */
export function restartAll(all: Supervision, service: SupervisedService, why: string, cause: PendingCause): void {
  for (const actor of all.fleet.staying(service)) {
    actor.spec = service.spec;
    actor.post({ kind: 'restart', why }, cause);
  }
}

export function checkGates(all: Supervision, service: SupervisedService, cause: PendingCause): void {
  for (const actor of service.actors) if (actor.state.kind === 'waiting') all.reactions.checkGate(actor, cause);
}

export function show(all: Supervision, service: SupervisedService): void {
  checkGates(all, service, undefined);
  service.touch();
  all.services.tell(service);
}

function factsOf(all: Supervision, service: SupervisedService, world: ServiceHooksWorld): TransitionFacts | null {
  if (service.held !== null) return null;
  const actors = all.fleet.staying(service);
  const states = actors.map(({ state }) => state);
  const leftover = states.some((state) => state.kind === 'failed' && state.leftover !== null);
  const waiting = actors.find(({ state }) => state.kind === 'waiting');
  return {
    wanted: all.wanted(service),
    mayStart: waiting !== undefined && all.reactions.gateBeforeHooks(service, waiting).kind === 'open' && world.sourceLetsStart(service.spec.source),
    ready: actors.length > 0 && actors.every((actor) => isReady(service, actor)),
    over: states.some(({ kind }) => kind === 'failed') && states.every(({ kind }) => kind === 'failed' || kind === 'completed' || kind === 'stopped'),
    gone: !states.some(isAlive),
    stuck: leftover && !states.some((state) => state.kind !== 'failed' && isAlive(state)),
  };
}
