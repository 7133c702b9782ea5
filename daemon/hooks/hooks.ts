import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { RolloutHook } from '../rollout/rollouts.js';
import type { PendingCause } from '../state/state-store.js';
import type { Gate } from '../supervisor/dependency-gate.js';
import type { SupervisedService } from '../supervisor/supervised-service.js';
import type { Supervision } from '../supervisor/supervision.js';
import { countSteps, hasHooks, type HookEvent } from './hook-steps.js';
import { runHookStep } from './run-hook.js';
import type { StepOutcome } from './run-step.js';
import { isAlive, restartAll, serviceSubject, stopAll, type ServiceHooksWorld } from './service-subject.js';
import { SourceHooks } from './source-hooks.js';
import { sourceKey } from './source-subject.js';
import { describeHook, letsStart, nameStep } from './transition.js';
import { Transitions, type Subject } from './transitions.js';

/**
 * Hooks stand around the transitions of a service, and around those of a source, that somebody asked for: up, down, and
 * both for a restart. A crash and what the restart policy makes of it is no transition, nor is an adoption, nor a change of
 * the number of instances. In blue-green and rolling deploys the hooks are steps of the rollout (`runInRollout`).
 *
 * Requests and sources come here instead of posting to instances. Where there are no hooks this costs a look at two lists.
 */
export class Hooks {
  private readonly transitions: Transitions;
  private readonly sources: SourceHooks;
  /** Why the last stop of a service was called off. */
  private readonly notices = new Map<string, string>();
  private readonly world: ServiceHooksWorld;

  constructor(private readonly all: Supervision) {
    this.transitions = new Transitions(all.store, all.tools.warn);
    const calledOff = (service: SupervisedService, sentence: string): void => void this.notices.set(service.fqn, sentence);
    this.sources = new SourceHooks(all, this.transitions, {
      calledOff,
      stop: (service, cause) => this.stop(service, cause),
      restart: (service, why, cause) => this.restart(service, why, cause),
    });
    this.world = {
      calledOff,
      sourceLetsStart: (source) => this.sources.letsStart(source),
      run: (service, hook, step, signal, cause) => {
        const [first] = service.actors;
        return this.run(service, { hook, step, number: first?.ref.number ?? 1, spec: first?.spec ?? service.spec }, signal, cause);
      },
      rested: (service, cause) => this.rested(service, cause),
    };
    all.services.onChange((service) => {
      this.transitions.look(service.fqn);
      this.transitions.look(sourceKey(service.spec.source));
    });
  }

  /** A source as it is said now; called before its services are supervised. */
  sourceApplied(spec: SourceSpec, cause: PendingCause): void {
    this.sources.applied(spec, cause);
  }

  /** Whether hooks have a word in what happens to the service. */
  concern(service: SupervisedService): boolean {
    return hasHooks(service.spec.hooks) || this.sources.has(service.spec.source) || this.transitions.get(service.fqn) !== undefined;
  }

  /** Its instances have been taken over, or are about to start; goes on where an earlier daemon was. */
  resume(service: SupervisedService, cause: PendingCause): void {
    if (!this.concern(service)) return;
    const left = this.transitions.takeLeft(service.fqn);
    if (left !== null) this.transitions.begin(this.subjectOf(service), left, 'the daemon came up', cause);
    else if (this.all.wanted(service) === 'down') this.stop(service, cause);
  }

  /** Whether the service may start as far as hooks are concerned; begins those before it. Asked when nothing else stands in the way. */
  gate(service: SupervisedService, cause: PendingCause): Gate {
    const ofSource = this.sources.gate(service.spec.source, cause);
    if (ofSource.kind === 'closed') return ofSource;
    if (this.transitions.get(service.fqn) === undefined) {
      if (!hasHooks(service.spec.hooks) || this.isUp(service) || this.all.rollouts.isUnderWay(service.fqn)) return { kind: 'open' };
      this.notices.delete(service.fqn);
      this.transitions.begin(this.subjectOf(service), { phase: 'pre-up', step: 0 }, 'it was wanted up', cause);
    } else this.transitions.look(service.fqn);
    const transition = this.transitions.get(service.fqn);
    if (transition === undefined || letsStart(transition)) return { kind: 'open' };
    const hook = describeHook(transition, countSteps(service.spec.hooks));
    return { kind: 'closed', on: hook === null ? '' : `waiting for its ${hook}`, blocked: false };
  }

  /** It was asked for to be up: what nothing lives of begins with its pre-up hook. */
  startAsked(service: SupervisedService): void {
    this.notices.delete(service.fqn);
    if (this.concern(service) && this.transitions.get(service.fqn) === undefined && !isUpAndAlive(service)) this.transitions.setUp(service.fqn, false);
  }

  /** Stops the instances of a service that is wanted down, with the hooks around that. */
  stop(service: SupervisedService, cause: PendingCause): void {
    this.notices.delete(service.fqn);
    if (this.sources.goesFirst(service, cause)) return;
    if (this.transitions.get(service.fqn) !== undefined) return this.transitions.renew(service.fqn, 'it was wanted down', cause);
    if (hasHooks(service.spec.hooks) && isUpAndAlive(service)) {
      return this.transitions.begin(this.subjectOf(service), { phase: 'pre-down', step: 0 }, 'it was wanted down', cause);
    }
    this.transitions.setUp(service.fqn, false);
    stopAll(this.all, service, cause);
  }

  /** Restarts all instances of a service with its present spec, with the hooks around that. */
  restart(service: SupervisedService, why: string, cause: PendingCause): void {
    this.notices.delete(service.fqn);
    const transition = this.transitions.get(service.fqn);
    if (transition !== undefined && !letsStart(transition)) {
      for (const actor of service.actors) actor.spec = service.spec;
      return this.transitions.renew(service.fqn, why, cause);
    }
    if (hasHooks(service.spec.hooks) && isUpAndAlive(service)) {
      return this.transitions.begin(this.subjectOf(service), { phase: 'pre-down', step: 0 }, why, cause);
    }
    if (!isUpAndAlive(service)) this.transitions.setUp(service.fqn, false);
    restartAll(this.all, service, why, cause);
  }

  /** Resolves when a rollout may begin: after hooks that are under way, but not after a start that may never come to its end. */
  beforeRollout(service: SupervisedService): Promise<void> {
    return this.whenChanged(() => {
      const transition = this.transitions.get(service.fqn);
      if (transition?.phase === 'coming-up') {
        this.transitions.abandon(service.fqn);
        this.transitions.setUp(service.fqn, true);
      }
      return transition === undefined || transition.phase === 'coming-up';
    });
  }

  /** A step of a hook as a step of a rollout. @throws HiveError HOOK_FAILED when it ends the rollout */
  async runInRollout(service: SupervisedService, at: RolloutHook, signal: AbortSignal, cause: PendingCause): Promise<void> {
    const { hook, step } = at;
    const outcome = await this.transitions.inTurn(service.fqn, () => this.run(service, at, signal, cause));
    signal.throwIfAborted();
    // Once the new instances serve, nothing may keep the old ones: there `abort` is as good as `warn`.
    if (outcome.kind !== 'failed' || outcome.follows === 'warn' || isAroundDown(hook)) return;
    throw new HiveError('HOOK_FAILED', `${nameStep(hook, step, countSteps(service.spec.hooks), 'its')} ${outcome.reason}`);
  }

  /** Whether hooks keep the service from counting as up, or as down. */
  isBetween(service: SupervisedService): boolean {
    return this.transitions.get(service.fqn) !== undefined || this.sources.isBetween(service);
  }

  /** The hook that runs before the service counts as up, which is on its way there; null: none. */
  comingUp(service: SupervisedService): string | null {
    const transition = this.transitions.get(service.fqn);
    if (transition === undefined || service.spec.hooks.postUp.length === 0) return null;
    return transition.phase === 'pre-up' || letsStart(transition) ? 'post-up hook' : null;
  }

  /** What hook runs around the service now, as a sentence without a full stop; null: none. */
  shown(service: SupervisedService): string | null {
    const transition = this.transitions.get(service.fqn);
    const own = transition === undefined ? null : describeHook(transition, countSteps(service.spec.hooks));
    if (own !== null) return `its ${own} runs`;
    const { source } = service.spec;
    const ofSource = this.sources.transition(source)?.phase === 'pre-up' ? null : this.sources.hookNow(source);
    return ofSource === null ? null : `${source}'s ${ofSource} runs`;
  }

  /** Why the last stop of a service was called off; null: it was not. */
  notice(service: SupervisedService): string | null {
    return this.notices.get(service.fqn) ?? null;
  }

  /** Resolves when no hooks run around these sources any more. */
  sourcesAtRest(sources: ReadonlySet<string>): Promise<void> {
    return this.whenChanged(() => [...sources].every((source) => this.sources.transition(source) === undefined));
  }

  forget(fqn: string): void {
    this.transitions.forget(fqn);
    this.notices.delete(fqn);
  }

  forgetSource(source: string): void {
    this.sources.forget(source);
  }

  /** What runs is stopped, for the next daemon to run it again; resolves when nothing of it is left. */
  close(): Promise<void> {
    return this.transitions.close();
  }

  private whenChanged(look: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (look()) return resolve();
      const off = this.all.services.onChange(() => {
        if (!look()) return;
        off();
        resolve();
      });
    });
  }

  private rested(service: SupervisedService, cause: PendingCause): void {
    for (const dependent of this.all.services.dependents.of(service.fqn)) {
      for (const actor of dependent.actors) if (actor.state.kind === 'waiting') this.all.reactions.checkGate(actor, cause);
    }
    this.all.sharing.announce(service.spec, cause);
    this.transitions.look(sourceKey(service.spec.source));
  }

  private isUp(service: SupervisedService): boolean {
    return this.transitions.isUp(service.fqn) ?? service.actors.some(({ state }) => isAlive(state));
  }

  private subjectOf(service: SupervisedService): Subject {
    return serviceSubject(this.all, service, this.world);
  }

  /** The hooks are those that the service has now; what they run with is the instance's own. */
  private run(service: SupervisedService, { hook, step, number, spec }: RolloutHook, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome> {
    const { tools, store, sharing } = this.all;
    const known = (one: ServiceSpec, instance: string) => sharing.known(one, instance);
    return runHookStep(tools, store, { kind: 'service', spec, number, known }, { key: service.fqn, hooks: service.spec.hooks, hook, step }, signal, cause);
  }
}

/** Something of it lives, or is about to by itself. */
function isUpAndAlive(service: SupervisedService): boolean {
  return service.actors.some(({ state }) => isAlive(state) || state.kind === 'backoff');
}

function isAroundDown(hook: HookEvent): boolean {
  return hook === 'pre-down' || hook === 'post-down';
}
