import type { SourceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { PendingCause } from '../state/state-store.js';
import type { Gate } from '../supervisor/dependency-gate.js';
import type { SupervisedService } from '../supervisor/supervised-service.js';
import type { Supervision } from '../supervisor/supervision.js';
import { countSteps, hasHooks } from './hook-steps.js';
import { runHookStep } from './run-hook.js';
import { isAlive } from './service-subject.js';
import { sourceKey, sourceSubject, sourceWanted, type SourceHooksWorld } from './source-subject.js';
import { describeHook, letsStart, type Transition } from './transition.js';
import type { Subject, Transitions } from './transitions.js';

const open: Gate = { kind: 'open' };

/** The hooks of sources as a whole, of which each service has to wait for its part. */
export class SourceHooks {
  private readonly specs = new Map<string, SourceSpec>();
  /** Services of a source that are to stop once its own hook is through: not all at once, but as they were asked to. */
  private readonly heldBack = new Map<string, Set<SupervisedService>>();

  constructor(
    private readonly all: Supervision,
    private readonly transitions: Transitions,
    private readonly ofServices: Pick<SourceHooksWorld, 'restart' | 'calledOff'> & { stop(service: SupervisedService, cause: PendingCause): void },
  ) {}

  applied(spec: SourceSpec, cause: PendingCause): void {
    this.specs.set(spec.name, spec);
    const left = this.transitions.takeLeft(sourceKey(spec.name));
    if (left !== null) this.transitions.begin(this.subject(spec.name), left, 'the daemon came up', cause);
  }

  has(source: string): boolean {
    const spec = this.specs.get(source);
    return spec !== undefined && hasHooks(spec.hooks);
  }

  transition(source: string): Transition | undefined {
    return this.transitions.get(sourceKey(source));
  }

  /** Whether services may start; begins the hook before the first of them. */
  gate(source: string, cause: PendingCause): Gate {
    if (!this.has(source)) return open;
    if (this.transition(source) === undefined) {
      if (this.isUp(source)) return open;
      this.transitions.begin(this.subject(source), { phase: 'pre-up', step: 0 }, 'it was wanted up', cause);
    }
    if (this.letsStart(source)) return open;
    const hook = this.hookNow(source);
    return { kind: 'closed', on: hook === null ? '' : `waiting for ${source}'s ${hook}`, blocked: false };
  }

  letsStart(source: string): boolean {
    const transition = this.transition(source);
    if (transition !== undefined) return letsStart(transition);
    return !this.has(source) || this.isUp(source);
  }

  /** Before the first service of a source stops, the source's own hook runs; then `stop` is called for the service again. */
  goesFirst(service: SupervisedService, cause: PendingCause): boolean {
    const { source } = service.spec;
    const transition = this.transition(source);
    if (transition === undefined && !this.has(source)) return false;
    if (sourceWanted(this.all, this.all.services.ofSource(source)) === 'up') return false;
    if (transition === undefined) {
      if (!this.isUp(source)) return false;
      this.transitions.begin(this.subject(source), { phase: 'pre-down', step: 0 }, 'it was wanted down', cause);
    } else if (transition.phase === 'going-down' || transition.phase === 'post-down') return false;
    else this.transitions.renew(sourceKey(source), 'it was wanted down', cause);
    this.heldBack.set(source, (this.heldBack.get(source) ?? new Set()).add(service));
    return true;
  }

  /** Whether the source's hooks keep a service from counting as up, or as down. */
  isBetween(service: SupervisedService): boolean {
    const { source } = service.spec;
    const transition = this.transition(source);
    const isWantedUp = this.all.wanted(service) === 'up';
    switch (transition?.phase) {
      case undefined:
      case 'pre-up':
        return false;
      case 'coming-up':
        return isWantedUp && this.subject(source).facts()?.ready === true;
      case 'post-up':
        return isWantedUp;
      case 'going-down':
        return !isWantedUp && this.subject(source).facts()?.gone === true;
      case 'pre-down':
      case 'post-down':
        return !isWantedUp;
    }
  }

  /** `pre-down hook (step 1 of 2)`; null: none is under way. */
  hookNow(source: string): string | null {
    const transition = this.transition(source);
    return transition === undefined ? null : describeHook(transition, countSteps(this.spec(source).hooks));
  }

  forget(source: string): void {
    this.transitions.forget(sourceKey(source));
    this.specs.delete(source);
    this.heldBack.delete(source);
  }

  private isUp(source: string): boolean {
    return this.transitions.isUp(sourceKey(source)) ?? this.all.services.ofSource(source).some(({ actors }) => actors.some(({ state }) => isAlive(state)));
  }

  private spec(source: string): SourceSpec {
    const spec = this.specs.get(source);
    if (spec === undefined) throw new HiveError('INTERNAL', `The source ${source} is not known.`);
    return spec;
  }

  private subject(source: string): Subject {
    const { tools, store } = this.all;
    return sourceSubject(this.all, () => this.spec(source), {
      ...this.ofServices,
      transitionOf: (service) => this.transitions.get(service.fqn),
      abandon: (service) => this.transitions.abandon(service.fqn),
      stopHeldBack: (cause) => {
        const held = this.heldBack.get(source) ?? [];
        this.heldBack.delete(source);
        for (const service of held) if (this.all.wanted(service) === 'down') this.ofServices.stop(service, cause);
      },
      run: (hook, step, signal, cause) => {
        const spec = this.spec(source);
        return runHookStep(tools, store, { kind: 'source', spec }, { key: sourceKey(source), hooks: spec.hooks, hook, step }, signal, cause);
      },
    });
  }
}
