import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { RolloutHook } from '../rollout/rollouts.js';
import type { EventRef, PendingCause } from '../state/state-store.js';
import type { Gate } from '../supervisor/dependency-gate.js';
import type { SupervisedService } from '../supervisor/supervised-service.js';
import type { Supervision } from '../supervisor/supervision.js';
import { attemptCommand, type HookOwner } from './hook-command.js';
import { countSteps, hasHooks, stepsOf, type HookEvent } from './hook-steps.js';
import { runStep, type StepOutcome } from './run-step.js';
import { isAlive, restartAll, serviceSubject, stopAll, type ServiceHooksWorld } from './service-subject.js';
import { sourceKey, sourceSubject, sourceWanted } from './source-subject.js';
import { describeHook, letsStart, nameStep } from './transition.js';
import { Transitions, type Subject } from './transitions.js';

const open: Gate = { kind: 'open' };

/**
 * Hooks stand around the transitions of a service, and around those of a source, that somebody asked for: up, down, and
 * both for a restart. A crash and what the restart policy makes of it is no transition, nor is an adoption, nor a change of
 * the number of instances. In blue-green and rolling deploys the hooks are steps of the rollout (`runInRollout`).
 *
 * Requests and sources come here instead of posting to instances. Where there are no hooks this costs a look at two lists.
 */
export class Hooks {
  private readonly transitions: Transitions;
  private readonly sources = new Map<string, SourceSpec>();
  /** Services of a source that are to stop once its own hook is through: not all at once, but as they were asked to. */
  private readonly heldBack = new Map<string, Set<SupervisedService>>();
  /** Why the last stop of a service was called off. */
  private readonly notices = new Map<string, string>();
  private readonly world: ServiceHooksWorld;

  constructor(private readonly all: Supervision) {
    this.transitions = new Transitions(all.store, all.tools.warn);
    this.world = {
      sourceLetsStart: (source) => this.sourceLetsStart(source),
      run: (service, hook, step, signal, cause) => {
        const [first] = service.actors;
        return this.runFor(service, first?.spec ?? service.spec, hook, step, first?.ref.number ?? 1, signal, cause);
      },
      calledOff: (service, sentence) => this.notices.set(service.fqn, sentence),
      rested: (service, cause) => this.rested(service, cause),
    };
    all.services.onChange((service) => {
      this.transitions.look(service.fqn);
      this.transitions.look(sourceKey(service.spec.source));
    });
  }

  /** A source as it is said now; called before its services are supervised. */
  sourceApplied(spec: SourceSpec, cause: PendingCause): void {
    this.sources.set(spec.name, spec);
    const left = this.transitions.takeLeft(sourceKey(spec.name));
    if (left !== null) this.transitions.begin(this.subjectOfSource(spec.name), left, 'the daemon came up', cause);
  }

  /** Whether hooks have a word in what happens to the service. */
  concern(service: SupervisedService): boolean {
    return hasHooks(service.spec.hooks) || this.sourceHasHooks(service.spec.source) || this.transitions.get(service.fqn) !== undefined;
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
    const ofSource = this.gateOfSource(service.spec.source, cause);
    if (ofSource.kind === 'closed') return ofSource;
    if (this.transitions.get(service.fqn) === undefined) {
      if (!hasHooks(service.spec.hooks) || this.isUp(service) || this.all.rollouts.isUnderWay(service.fqn)) return open;
      this.notices.delete(service.fqn);
      this.transitions.begin(this.subjectOf(service), { phase: 'pre-up', step: 0 }, 'it was wanted up', cause);
    } else this.transitions.look(service.fqn);
    const transition = this.transitions.get(service.fqn);
    if (transition === undefined || letsStart(transition)) return open;
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
    if (this.sourceGoesFirst(service.spec.source, cause)) {
      const held = this.heldBack.get(service.spec.source) ?? new Set();
      this.heldBack.set(service.spec.source, held.add(service));
      return;
    }
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
    restartAll(service, why, cause);
  }

  /** A step of a hook as a step of a rollout. @throws HiveError HOOK_FAILED when it ends the rollout */
  async runInRollout(service: SupervisedService, { hook, step, number, spec }: RolloutHook, signal: AbortSignal, cause: PendingCause): Promise<void> {
    const outcome = await this.transitions.inTurn(service.fqn, () => this.runFor(service, spec, hook, step, number, signal, cause));
    signal.throwIfAborted();
    // Once the new instances serve, nothing may keep the old ones: there `abort` is as good as `warn`.
    if (outcome.kind !== 'failed' || outcome.follows === 'warn' || hook === 'pre-down' || hook === 'post-down') return;
    throw new HiveError('HOOK_FAILED', `${nameStep(hook, step, countSteps(service.spec.hooks), 'its')} ${outcome.reason}`);
  }

  /** Whether hooks keep the service from counting as up, or as down. */
  isBetween(service: SupervisedService): boolean {
    if (this.transitions.get(service.fqn) !== undefined) return true;
    const key = sourceKey(service.spec.source);
    const ofSource = this.transitions.get(key);
    if (ofSource === undefined) return false;
    if (ofSource.phase === 'pre-up') return false;
    const facts = this.subjectOfSource(service.spec.source).facts();
    if (ofSource.phase === 'coming-up') return facts?.ready === true;
    return ofSource.phase === 'going-down' ? facts?.gone === true : true;
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
    const ofSource = this.transitions.get(sourceKey(service.spec.source));
    if (ofSource === undefined || ofSource.phase === 'pre-up') return null;
    const hook = describeHook(ofSource, countSteps(this.sourceSpec(service.spec.source).hooks));
    return hook === null ? null : `${service.spec.source}'s ${hook} runs`;
  }

  /** Why the last stop of a service was called off; null: it was not. */
  notice(service: SupervisedService): string | null {
    return this.notices.get(service.fqn) ?? null;
  }

  /** Resolves when no transition of the service is under way. */
  atRest(service: SupervisedService): Promise<void> {
    return this.whenChanged(() => this.transitions.get(service.fqn) === undefined);
  }

  /** Resolves when no transition of these sources is under way any more that could go on by itself. */
  sourcesAtRest(sources: Iterable<string>): Promise<void> {
    const keys = [...sources].map(sourceKey);
    return this.whenChanged(() => keys.every((key) => this.transitions.get(key) === undefined));
  }

  forget(fqn: string): void {
    this.transitions.forget(fqn);
    this.notices.delete(fqn);
  }

  forgetSource(source: string): void {
    this.transitions.forget(sourceKey(source));
    this.sources.delete(source);
  }

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

  private gateOfSource(source: string, cause: PendingCause): Gate {
    const key = sourceKey(source);
    if (!this.sourceHasHooks(source)) return open;
    if (this.transitions.get(key) === undefined) {
      if (this.isSourceUp(source)) return open;
      this.transitions.begin(this.subjectOfSource(source), { phase: 'pre-up', step: 0 }, 'it was wanted up', cause);
    }
    const transition = this.transitions.get(key);
    if (transition === undefined || letsStart(transition)) return open;
    const hook = describeHook(transition, countSteps(this.sourceSpec(source).hooks));
    return { kind: 'closed', on: hook === null ? '' : `waiting for ${source}'s ${hook}`, blocked: false };
  }

  private sourceLetsStart(source: string): boolean {
    const transition = this.transitions.get(sourceKey(source));
    if (transition !== undefined) return letsStart(transition);
    return !this.sourceHasHooks(source) || this.isSourceUp(source);
  }

  /** Before the first service of a source stops, the source's own hook runs; the services are stopped after it. */
  private sourceGoesFirst(source: string, cause: PendingCause): boolean {
    const key = sourceKey(source);
    const transition = this.transitions.get(key);
    if (transition === undefined && !this.sourceHasHooks(source)) return false;
    if (sourceWanted(this.all, this.all.services.ofSource(source)) === 'up') return false;
    if (transition === undefined) {
      if (!this.isSourceUp(source)) return false;
      this.transitions.begin(this.subjectOfSource(source), { phase: 'pre-down', step: 0 }, 'it was wanted down', cause);
      return true;
    }
    if (transition.phase === 'going-down' || transition.phase === 'post-down') return false;
    this.transitions.renew(key, 'it was wanted down', cause);
    return true;
  }

  private isSourceUp(source: string): boolean {
    return this.transitions.isUp(sourceKey(source)) ?? this.all.services.ofSource(source).some(({ actors }) => actors.some(({ state }) => isAlive(state)));
  }

  private sourceHasHooks(source: string): boolean {
    const spec = this.sources.get(source);
    return spec !== undefined && hasHooks(spec.hooks);
  }

  private sourceSpec(source: string): SourceSpec {
    const spec = this.sources.get(source);
    if (spec === undefined) throw new HiveError('INTERNAL', `The source ${source} is not known.`);
    return spec;
  }

  private subjectOf(service: SupervisedService): Subject {
    return serviceSubject(this.all, service, this.world);
  }

  private subjectOfSource(source: string): Subject {
    return sourceSubject(this.all, () => this.sourceSpec(source), {
      transitionOf: (service) => this.transitions.get(service.fqn),
      abandon: (service) => this.transitions.abandon(service.fqn),
      stopHeldBack: (cause) => {
        const held = this.heldBack.get(source) ?? [];
        this.heldBack.delete(source);
        for (const service of held) if (this.all.wanted(service) === 'down') this.stop(service, cause);
      },
      restart: (service, why, cause) => this.restart(service, why, cause),
      run: (hook, step, signal, cause) => {
        const spec = this.sourceSpec(source);
        return this.run({ kind: 'source', spec }, sourceKey(source), spec.hooks, hook, step, signal, cause);
      },
      calledOff: (service, sentence) => this.notices.set(service.fqn, sentence),
    });
  }

  /** `spec`: that of the instance on whose behalf it runs; the hooks are those that the service has now. */
  private runFor(service: SupervisedService, spec: ServiceSpec, hook: HookEvent, step: number, number: number, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome> {
    const owner: HookOwner = { kind: 'service', spec, number, known: (one, instance) => this.all.sharing.known(one, instance) };
    return this.run(owner, service.fqn, service.spec.hooks, hook, step, signal, cause);
  }

  private async run(owner: HookOwner, key: string, hooks: SourceSpec['hooks'], hook: HookEvent, index: number, signal: AbortSignal, cause: PendingCause): Promise<StepOutcome> {
    const steps = stepsOf(hooks, hook);
    const step = steps[index];
    // The configuration has fewer steps by now.
    if (step === undefined) return { kind: 'done' };
    await this.all.tools.runner.tasksCleared();
    let last: PendingCause = cause;
    return runStep(step, String(index + 1), {
      hook,
      attempt: (command, place, called) => attemptCommand(this.all.tools, owner, hook, command, place, called),
      tell: (news, at) => {
        const ref: EventRef = { seq: 0 };
        const before = last;
        last = ref;
        const fields = { service: key, hook, step: at.step, steps: steps.length, attempt: at.attempt };
        void this.all.store.record((tx) => { ref.seq = tx.append({ ...news, ...fields }, before).seq; });
        return ref;
      },
    }, signal);
  }
}

/** Something of it lives, or is about to by itself. */
function isUpAndAlive(service: SupervisedService): boolean {
  return service.actors.some(({ state }) => isAlive(state) || state.kind === 'backoff');
}
