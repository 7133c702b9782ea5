import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import type { Change } from '../../shared/protocol/results.js';
import type { SupervisorPort } from '../sources/supervisor-port.js';
import type { PendingCause } from '../state/state-store.js';
import { SupervisedService } from './supervised-service.js';
import type { Supervision } from './supervision.js';
import type { TakeOver } from './take-over.js';

/** What sources say: services that come, are replaced, and go. */
export class SourceChanges implements SupervisorPort {
  constructor(private readonly all: Supervision, private readonly takeOver: TakeOver) {}

  applySource(spec: SourceSpec, changes: readonly Change[], cause: PendingCause): void {
    this.all.hooks.sourceApplied(spec, cause);
    const specs = new Map(spec.services.map((service) => [service.fqn, service]));
    const added: SupervisedService[] = [];
    for (const change of changes) {
      const fqn = change.service;
      const next = specs.get(fqn);
      const leaving = change.action === 'add' ? this.all.services.find(fqn) : undefined;
      if (leaving !== undefined && next !== undefined) this.keep(leaving, next, cause);
      else if (change.action === 'add' && next !== undefined) added.push(this.add(next));
      else if (change.action === 'remove') void this.stopAndDrop(fqn, cause, async () => undefined).catch((error: Error) => this.all.tools.warn(error.message));
      else if (next !== undefined) this.replace(next, change, cause);
    }
    for (const service of added) this.takeOver.begin(service, cause);
  }

  async stopAll(source: string, cause: PendingCause): Promise<void> {
    await this.leave(this.all.services.ofSource(source), cause);
    await this.all.hooks.sourcesAtRest(new Set([source]));
  }

  dropSource(source: string, why: 'removed' | 'disabled'): void {
    for (const service of this.all.services.ofSource(source)) this.drop(service, why === 'removed');
    this.all.hooks.forgetSource(source);
    if (why === 'removed') this.forgetSource(source);
  }

  async stopAndDrop(fqn: string, cause: PendingCause, removal: () => Promise<void>): Promise<void> {
    const service = this.all.services.get(fqn);
    await this.leave([service], cause);
    if (!service.leaving) return;
    try {
      await removal();
    } catch (error) {
      this.stay(service, cause);
      throw error;
    }
    this.drop(service, true);
  }

  /** A source is gone for good: nobody remembers what was wanted of it. */
  forgetSource(source: string): void {
    const { intents, store } = this.all;
    intents.forgetSource(source);
    void store.record((tx) => intents.eraseAllOf(tx, source));
  }

  /** A service is gone for good, with all that was remembered of it. */
  forget(fqn: string): void {
    const { intents, store, records, tools, rollouts, dependencies } = this.all;
    intents.forget([fqn]);
    void store.record((tx) => {
      records.deleteAllOf(fqn);
      intents.erase(tx, [fqn]);
    });
    tools.ports.release(fqn);
    tools.builds.forget(fqn);
    dependencies.forget(fqn);
    rollouts.forget(fqn);
    this.all.hooks.forget(fqn);
  }

  private add(spec: ServiceSpec): SupervisedService {
    const { tools, rollouts, dependencies, services } = this.all;
    const service = new SupervisedService(spec, {
      wanted: (one) => this.all.wanted(one),
      instances: (one) => this.all.instancesOf(one),
      ports: (actor) => tools.ports.known(actor.spec.rollout, actor.id),
      rollout: (one) => rollouts.shown(one),
      hook: (one) => this.all.hooks.shown(one),
      comingUp: (one) => this.all.hooks.comingUp(one),
      isBetween: (one) => this.all.hooks.isBetween(one),
      calledOff: (one) => this.all.hooks.notice(one),
      trouble: (one) => [this.all.hooks.notice(one), this.all.engineTrouble(one), dependencies.shown(one)].filter((sentence) => sentence !== null).join('; ') || null,
    });
    services.add(service);
    this.index(service);
    this.takeOver.makeKnown(service);
    return service;
  }

  private replace(next: ServiceSpec, change: Change, cause: PendingCause): void {
    const { rollouts, sharing } = this.all;
    const service = this.all.services.get(next.fqn);
    const before = service.actors[0]?.spec ?? service.spec;
    this.unindex(service);
    service.spec = next;
    service.touch();
    this.index(service);
    const runs = service.actors.some(({ state }) => state.kind === 'running');
    if (rollouts.isUnderWay(service.fqn) || (change.action === 'replace' && next.rollout.type !== 'recreate' && this.all.wanted(service) === 'up' && runs)) {
      void rollouts.begin(service, before, cause);
    } else this.replaceAtOnce(service, change, cause);
    sharing.announce(before, cause);
    sharing.announce(next, cause);
    this.all.dependencies.lookAround(service);
  }

  private replaceAtOnce(service: SupervisedService, change: Change, cause: PendingCause): void {
    const isReplaced = change.action === 'replace' && this.all.wanted(service) === 'up';
    if (isReplaced) this.all.hooks.restart(service, `its configuration changed (${change.fields.join(', ')})`, cause);
    else for (const actor of service.actors) {
      actor.spec = service.spec;
      if (actor.state.kind === 'running') this.all.orders.watchAnew(actor);
      else if (actor.state.kind === 'waiting') this.all.reactions.checkGate(actor);
    }
    this.all.orders.resize(service, cause);
  }

  /** It was taken out of its source and is put back before its last process has gone. */
  private keep(service: SupervisedService, next: ServiceSpec, cause: PendingCause): void {
    service.leaving = false;
    this.replace(next, { service: next.fqn, action: 'replace', fields: [] }, cause);
    this.stay(service, cause);
  }

  /** Goes on as the operator wants it, after it was stopped in order to leave. */
  private stay(service: SupervisedService, cause: PendingCause): void {
    service.leaving = false;
    service.touch();
    if (this.all.wanted(service) === 'down') return;
    this.all.hooks.restart(service, 'it stays in its source', cause);
    this.all.services.tell(service);
  }

  /** Stops services that are going away. Where one cannot be stopped they all stay, wanted as the operator wants them. */
  private async leave(services: readonly SupervisedService[], cause: PendingCause): Promise<void> {
    const mark = (leaving: boolean): void => services.forEach((service) => {
      service.leaving = leaving;
      service.touch();
    });
    mark(true);
    for (const service of services) this.all.rollouts.cancel(service);
    try {
      await this.all.orders.stopInOrder(services, cause);
    } catch (error) {
      mark(false);
      throw error;
    }
  }

  private drop(service: SupervisedService, forget: boolean): void {
    this.all.services.delete(service);
    this.unindex(service);
    this.all.sharing.announce(service.spec, undefined);
    this.all.dependencies.lookAround(service);
    if (!forget) return;
    for (const actor of service.actors) this.all.sharing.forget(actor.id);
    this.forget(service.fqn);
  }

  private index(service: SupervisedService): void {
    this.all.sharing.add(service.spec);
    this.all.services.dependents.add(service);
  }

  private unindex(service: SupervisedService): void {
    this.all.sharing.remove(service.spec);
    this.all.services.dependents.remove(service);
  }
}
