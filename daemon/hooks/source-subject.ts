import type { SourceSpec } from '../../shared/config/service-spec.js';
import type { PendingCause } from '../state/state-store.js';
import type { SupervisedService } from '../supervisor/supervised-service.js';
import type { Supervision } from '../supervisor/supervision.js';
import { countSteps, type HookEvent } from './hook-steps.js';
import type { StepOutcome } from './run-step.js';
import { checkGates, giveUp, isAlive, isReady, keepWanted, show, wordsOf } from './service-subject.js';
import { nameStep, type Transition, type TransitionFacts } from './transition.js';
import type { Subject } from './transitions.js';

/** What the transitions of a source need beside the supervision. */
export interface SourceHooksWorld {
  /** The transition of one of its services. */
  transitionOf(service: SupervisedService): Transition | undefined;
  abandon(service: SupervisedService): void;
  /** Stops the services whose stop was held back for the source's own hook, each by way of its own hooks. */
  stopHeldBack(cause: PendingCause): void;
  restart(service: SupervisedService, why: string, cause: PendingCause): void;
  run(hook: HookEvent, step: number, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome>;
  calledOff(service: SupervisedService, sentence: string): void;
}

export function sourceKey(source: string): string {
  return `${source}:*`;
}

/** A source as a whole between up and down: up as long as one of its services is wanted up. */
export function sourceSubject(all: Supervision, spec: () => SourceSpec, world: SourceHooksWorld): Subject {
  const { name } = spec();
  const services = (): SupervisedService[] => all.services.ofSource(name);
  const counts = () => countSteps(spec().hooks);
  const named = (hook: HookEvent, step: number, reason: string): string => `${nameStep(hook, step, counts(), `${name}'s`)} ${reason}`;
  return {
    key: sourceKey(name),
    counts,
    facts: () => factsOf(all, services(), world),
    run: (hook, step, signal, cause) => world.run(hook, step, signal, cause),
    openGate: (cause) => services().forEach((service) => checkGates(all, service, cause)),
    bringDown: (why, cause) => {
      world.stopHeldBack(cause);
      for (const service of services()) if (all.wanted(service) === 'up') world.restart(service, why, cause);
    },
    comeUp: (why, cause) => {
      for (const service of services()) {
        if (all.wanted(service) === 'down') continue;
        for (const actor of service.actors) if (actor.state.kind !== 'waiting') all.orders.startWithPresentSpec(service, actor, why, cause);
      }
    },
    giveUp: (hook, step, reason, cause) => {
      for (const service of services()) {
        if (all.wanted(service) === 'down') continue;
        world.abandon(service);
        giveUp(service, `${wordsOf[hook]}: ${named(hook, step, reason)}`, cause);
      }
    },
    keepUp: (hook, step, reason) => {
      if (all.halting) return false;
      for (const service of services()) {
        if (!service.actors.some(({ state }) => isAlive(state)) || !keepWanted(all, service)) continue;
        world.calledOff(service, `its stop was called off: ${named(hook, step, reason)}`);
      }
      return true;
    },
    rested: (cause) => world.stopHeldBack(cause),
    shown: () => services().forEach((service) => show(all, service)),
  };
}

/** What is asked for of a source whose services are these. */
export function sourceWanted(all: Supervision, services: readonly SupervisedService[]): 'up' | 'down' {
  return services.some((service) => all.wanted(service) === 'up') ? 'up' : 'down';
}

function factsOf(all: Supervision, services: readonly SupervisedService[], world: SourceHooksWorld): TransitionFacts {
  // A daemon that ends leaves what it does not know to the next one.
  const known = all.halting || services.every(({ held }) => held === null);
  const up = services.filter((service) => all.wanted(service) === 'up');
  const states = services.flatMap((service) => service.actors.map(({ state }) => state));
  // A service that waits with its pre-up hook is not up yet; in any other phase its own hooks are still at it.
  const between = services.some((service) => {
    const transition = world.transitionOf(service);
    return transition !== undefined && transition.phase !== 'pre-up';
  });
  const ready = (service: SupervisedService): boolean =>
    world.transitionOf(service) === undefined && service.actors.length > 0 && all.fleet.staying(service).every((actor) => isReady(service, actor));
  return {
    wanted: sourceWanted(all, services),
    mayStart: true,
    ready: known && up.length > 0 && up.every(ready),
    over: false,
    gone: known && !between && !states.some(isAlive),
    stuck: !between && states.some((state) => state.kind === 'failed' && state.leftover !== null) && states.every((state) => state.kind === 'failed' || !isAlive(state)),
  };
}
