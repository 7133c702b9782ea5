import type { DependencyCondition } from '../../shared/config/service-spec.js';
import type { NewEvent } from '../../shared/protocol/events.js';
import type { EventRef, PendingCause, StateStore } from '../state/state-store.js';
import { standingOf } from './dependency-standing.js';
import { DependencyTroubles, type DependencyTrouble } from './dependency-troubles.js';
import type { ServiceDirectory } from './service-directory.js';
import type { SupervisedService } from './supervised-service.js';

/** One thing that a service needs: an entry of `depends_on` or of `uses`. */
export interface Need {
  /** What it is known by for as long as it is needed: a full name, or the name of what is used. */
  readonly key: string;
  /** Full name; null: nobody exposes it. */
  readonly fqn: string | null;
  /** What there is to say when it is not there. */
  readonly gone: string;
  /** `db, which it depends on,` */
  readonly who: string;
  readonly condition: DependencyCondition;
  readonly restart: boolean;
  /** What `dependency` lacks is passed on; not along a circle, where it would never end. */
  passesOn(): boolean;
}

export interface DependencyWorld {
  readonly services: ServiceDirectory;
  readonly store: StateStore;
  /** What the service uses of other services, and who uses it. */
  usesOf(service: SupervisedService): Need[];
  usersOf(service: SupervisedService): SupervisedService[];
}

/**
 * Tells services that have come up what becomes of what they depend on: one event when it fails and one when it is well
 * again, on through the whole graph, each level caused by the one below. Who asked for it is restarted once nothing is left
 * of what it was started with and its dependency is well again.
 */
export class DependencyWatch {
  private readonly troubles: DependencyTroubles;
  /** By service and dependency: the lives of the dependency that the service found when it came up. */
  private readonly found = new Map<string, Map<string, ReadonlySet<string>>>();
  /** The last time that a service was told something is well again: what those above it are told because of. */
  private readonly lastRecovery = new WeakMap<SupervisedService, EventRef>();
  private readonly toLookAt = new Set<SupervisedService>();
  private watching = false;
  private scheduled = false;

  constructor(private readonly world: DependencyWorld) {
    this.troubles = new DependencyTroubles(world.store);
    world.services.onChange((service) => this.lookAround(service));
  }

  /** Every source is read and what lives is taken over: only now can it be said what is missing. */
  begin(): void {
    this.watching = true;
    for (const service of this.world.services.all()) this.lookAt(service);
  }

  /** Something happened to a service: it, and those that need it, are looked at before this turn of the loop ends. */
  lookAround(service: SupervisedService): void {
    this.lookAt(service);
    for (const dependent of this.world.services.dependents.of(service.fqn)) this.lookAt(dependent);
    for (const user of this.world.usersOf(service)) this.lookAt(user);
  }

  /** What is not well with what a running service needs, for people; null: nothing. */
  shown(service: SupervisedService): string | null {
    const sentences = [...this.troubles.of(service.fqn).values()].map(({ sentence }) => sentence);
    if (sentences.length === 0) return null;
    return sentences.length > 3 ? `${sentences.slice(0, 2).join('; ')}; and ${sentences.length - 2} more` : sentences.join('; ');
  }

  /** The service is gone for good. */
  forget(fqn: string): void {
    this.troubles.forget(fqn);
    this.found.delete(fqn);
  }

  private lookAt(service: SupervisedService): void {
    if (!this.watching) return;
    this.toLookAt.add(service);
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      for (const one of this.toLookAt) {
        this.toLookAt.delete(one);
        if (this.world.services.find(one.fqn) === one) this.compare(one);
      }
    });
  }

  private compare(service: SupervisedService): void {
    // As long as its engine has not said what lives there, what was known of it still counts; likewise of what it needs.
    if (service.held !== null) return;
    const phase = phaseOf(service);
    const needs = phase === 'down' ? [] : this.needsOf(service);
    for (const key of [...this.troubles.of(service.fqn).keys()]) {
      if (!needs.some((need) => need.key === key)) this.drop(service, key);
    }
    if (phase !== 'up') this.found.delete(service.fqn);
    for (const need of needs) this.compareNeed(service, need, phase === 'up');
  }

  private compareNeed(service: SupervisedService, need: Need, isUp: boolean): void {
    const target = need.fqn === null ? undefined : this.world.services.find(need.fqn);
    const before = this.troubles.of(service.fqn).get(need.key);
    if (target !== undefined && target.held !== null) return;
    const standing = target === undefined ? { kind: 'failed', how: need.gone } as const : standingOf(need.condition, target.asDependency());
    if (standing.kind === 'failed') {
      const trouble = { kind: 'own', root: need.fqn ?? need.key, sentence: `${need.who} ${standing.how}` } as const;
      if (before !== undefined) return this.reword(service, need, before, trouble);
      if (isUp) this.fail(service, need, trouble, target?.cause);
      return;
    }
    if (standing.kind === 'unclear' && before?.kind === 'own') return;
    const above = this.passedOn(need, target);
    if (above !== undefined) {
      const trouble = { kind: 'inherited', root: above.root, sentence: `${need.who} lacks ${this.nameOf(above.root, service)}` } as const;
      if (before === undefined && isUp) this.fail(service, need, trouble, above.told);
      else if (before !== undefined) this.reword(service, need, before, trouble);
      return;
    }
    const recovered = before === undefined ? undefined : this.recover(service, need, before, target);
    if (target !== undefined && need.restart && isUp && standing.kind === 'well') this.restartWhereAsked(service, need, target, before?.kind === 'own', recovered);
  }

  private fail(service: SupervisedService, need: Need, trouble: Omit<DependencyTrouble, 'told'>, cause: PendingCause): void {
    const told: EventRef = { seq: 0 };
    const whole = { ...trouble, told };
    this.troubles.put(service.fqn, need.key, whole);
    this.tell(service, told, { type: 'service.dependencyFailed', service: service.fqn, dependency: need.fqn ?? need.key, root: trouble.root, reason: trouble.sentence }, cause, () => this.troubles.save(service.fqn, need.key, whole));
  }

  private recover(service: SupervisedService, need: Need, trouble: DependencyTrouble, target: SupervisedService | undefined): EventRef {
    const told: EventRef = { seq: 0 };
    this.troubles.take(service.fqn, need.key);
    const below = trouble.kind === 'inherited' && target !== undefined ? this.lastRecovery.get(target) : undefined;
    this.lastRecovery.set(service, told);
    this.tell(service, told, { type: 'service.dependencyRecovered', service: service.fqn, dependency: need.fqn ?? need.key, root: trouble.root }, below ?? target?.cause, () => this.troubles.erase(service.fqn, need.key));
    return told;
  }

  private tell(service: SupervisedService, told: EventRef, event: NewEvent, cause: PendingCause, alongWith: () => void): void {
    void this.world.store.record((tx) => {
      told.seq = tx.append(event, cause).seq;
      alongWith();
    });
    service.touch();
    this.world.services.tell(service);
  }

  /** It was told already; what is shown follows what is known by now. */
  private reword(service: SupervisedService, need: Need, before: DependencyTrouble, now: Omit<DependencyTrouble, 'told'>): void {
    if (before.sentence === now.sentence && before.kind === now.kind) return;
    this.troubles.put(service.fqn, need.key, { ...now, told: before.told });
    service.touch();
  }

  /** The service is not affected any more, since it has stopped or does not need it now: nobody has to be told. */
  private drop(service: SupervisedService, key: string): void {
    this.troubles.take(service.fqn, key);
    void this.world.store.record(() => this.troubles.erase(service.fqn, key));
    service.touch();
    this.lookAround(service);
  }

  private restartWhereAsked(service: SupervisedService, need: Need, target: SupervisedService, hadFailed: boolean, recovered: EventRef | undefined): void {
    const now = livesOf(target);
    const found = this.found.get(service.fqn)?.get(need.key);
    const replaced = found === undefined ? hadFailed : now.every((life) => !found.has(life));
    if (found === undefined || replaced) this.found.set(service.fqn, (this.found.get(service.fqn) ?? new Map<string, ReadonlySet<string>>()).set(need.key, new Set(now)));
    if (!replaced) return;
    for (const actor of service.actors) {
      if (actor.state.kind === 'running') actor.post({ kind: 'restart', why: `${target.spec.name}, which it depends on, was restarted` }, recovered ?? target.cause);
    }
  }

  /** What a dependency that runs well itself was told last of what it needs in turn. */
  private passedOn(need: Need, target: SupervisedService | undefined): DependencyTrouble | undefined {
    if (target === undefined) return undefined;
    const [first] = this.troubles.of(target.fqn).values();
    return first !== undefined && need.passesOn() ? first : undefined;
  }

  private needsOf(service: SupervisedService): Need[] {
    const { source, dependsOn } = service.spec;
    const own = dependsOn.map(({ name, condition, restart }): Need => ({
      key: `${source}:${name}`, fqn: `${source}:${name}`, who: `${name}, which it depends on,`, gone: 'does not exist any more', condition, restart, passesOn: () => true,
    }));
    return service.spec.uses.length === 0 ? own : [...own, ...this.world.usesOf(service)];
  }

  private nameOf(fqn: string, seenFrom: SupervisedService): string {
    const prefix = `${seenFrom.spec.source}:`;
    return fqn.startsWith(prefix) ? fqn.slice(prefix.length) : fqn;
  }
}

/** `between`: about to be up again, or waiting for that; what failed before may be well again meanwhile. */
function phaseOf({ actors }: SupervisedService): 'up' | 'between' | 'down' {
  const kinds = actors.map(({ state }) => state.kind);
  if (kinds.includes('running')) return 'up';
  return kinds.some((kind) => kind !== 'stopped' && kind !== 'completed' && kind !== 'failed') ? 'between' : 'down';
}

/** The lives of a service that stand for it now: what runs, or has done its work. */
function livesOf({ actors, serving }: SupervisedService): string[] {
  return actors.filter(({ ref }) => serving?.has(ref.number) ?? true).flatMap(({ state, lastExit }) => {
    if (state.kind === 'running') return [state.process.incarnation];
    return state.kind === 'completed' && lastExit !== null ? [lastExit.at.toISOString()] : [];
  });
}
