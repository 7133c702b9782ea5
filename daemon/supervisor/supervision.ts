import { HiveError } from '../../shared/errors/index.js';
import { Hooks } from '../hooks/hooks.js';
import { countSteps, longestMs } from '../hooks/hook-steps.js';
import { hasReplicas } from '../runner/has-replicas.js';
import { Rollouts } from '../rollout/rollouts.js';
import { Sharing } from '../sharing/sharing.js';
import type { StateStore } from '../state/state-store.js';
import { DependencyWatch } from './dependency-watch.js';
import { Fleet } from './fleet.js';
import { FoundInstances } from './found-instances.js';
import { InstanceOrders } from './instance-orders.js';
import { InstanceReactions } from './instance-reactions.js';
import { InstanceRecords } from './instance-records.js';
import { InstanceWork, type WorkTools } from './instance-work.js';
import { Intents, type Wanted } from './intents.js';
import { ServiceDirectory } from './service-directory.js';
import type { SupervisedService } from './supervised-service.js';

/**
 * What the parts of the supervisor have in common, put together once: who is there (`services`), what is wanted
 * (`intents`), what was found at the start (`found`), what follows when an instance changes (`reactions`), and the orders
 * that are given to instances (`orders`).
 */
export class Supervision {
  readonly services = new ServiceDirectory();
  readonly intents: Intents;
  readonly records: InstanceRecords;
  readonly found: FoundInstances;
  readonly sharing: Sharing;
  readonly work: InstanceWork;
  readonly fleet: Fleet;
  readonly rollouts: Rollouts;
  readonly dependencies: DependencyWatch;
  readonly reactions: InstanceReactions;
  readonly orders: InstanceOrders;
  readonly hooks: Hooks;
  /** Wanted down for the rest of this daemon's life, whatever the operator wants of the next one. */
  halting = false;

  /** `wantDown`: stops a service and remembers that, as a request would. */
  constructor(readonly store: StateStore, readonly tools: WorkTools, wantDown: (service: SupervisedService) => Promise<void>) {
    const { services } = this;
    this.intents = new Intents(store.db);
    this.records = new InstanceRecords(store.db);
    this.found = new FoundInstances(tools);
    this.reactions = new InstanceReactions(this);
    this.orders = new InstanceOrders(this);
    this.hooks = new Hooks(this);
    this.sharing = new Sharing(store, {
      service: (fqn) => services.find(fqn),
      checkGate: (actor, cause) => this.reactions.checkGate(actor, cause),
      watchAnew: (actor) => this.orders.watchAnew(actor),
      warn: tools.warn,
    });
    this.dependencies = new DependencyWatch({
      services, store,
      usesOf: (service) => this.sharing.needsOf(service.spec),
      usersOf: ({ spec }) => this.sharing.usersOf(spec).flatMap((fqn) => services.find(fqn) ?? []),
    });
    this.work = new InstanceWork(tools, (actor) => this.reactions.checkGate(actor), this.sharing);
    const shared = { onChange: (listener: (service: SupervisedService) => void) => services.onChange(listener), tell: (service: SupervisedService) => services.tell(service) };
    this.fleet = new Fleet({
      ...shared,
      store,
      records: this.records,
      worldOf: (service, self) => this.reactions.worldOf(service, self),
      forgotten: (actor) => this.sharing.forget(actor.id),
    });
    this.rollouts = new Rollouts(store, {
      ...shared,
      actorsOf: (service) => this.actorsOf(service),
      startInstances: (service, numbers, cause) => this.orders.startInstances(service, numbers, cause),
      replaceInstances: (service, numbers, cause) => this.orders.replaceInstances(service, numbers, 'it is deployed anew', cause),
      updateInstances: (service, spec, step, control, cause) => this.orders.updateInstances(service, spec, step, control, cause),
      removeInstances: (service, numbers, cause) => this.fleet.removed(service, numbers, cause),
      unreadiness: ({ ref, state }) => (state.kind === 'running' ? tools.health.lastFindings(ref) ?? 'no check has answered yet' : `it is ${state.kind}`),
      wantDown,
      hooksOf: ({ spec }) => ({ steps: countSteps(spec.hooks), longestMs: longestMs(spec.hooks) }),
      runHook: (service, at, signal, cause) => this.hooks.runInRollout(service, at, signal, cause),
      isBetween: (service) => this.hooks.isBetween(service),
      calledOff: (service) => this.hooks.notice(service),
      beforeRollout: (service) => this.hooks.beforeRollout(service),
      routesInForce: tools.routesInForce,
      warn: tools.warn,
    });
  }

  wanted(service: SupervisedService): Wanted {
    if (this.halting || service.leaving) return 'down';
    return this.intents.wanted(service.spec.source, service.spec.name, service.spec.restart.policy);
  }

  /** How many instances a service is to have. */
  instancesOf(service: SupervisedService): number {
    return this.intents.scale(service.fqn) ?? service.spec.instances;
  }

  /** How many actors stand for them: a cluster runs all instances of a service as replicas of one. */
  actorsOf(service: SupervisedService): number {
    return hasReplicas(service.spec) ? 1 : this.instancesOf(service);
  }

  /** What is wrong with the engines that instances of a service run in; null: nothing, or it has none. */
  engineTrouble(service: SupervisedService): string | null {
    for (const { state } of service.actors) {
      const engine = state.kind === 'running' ? state.process.engine : undefined;
      const trouble = engine === undefined ? null : this.tools.runner.trouble(engine);
      if (trouble !== null) return trouble.sentence;
    }
    return null;
  }

  /** @throws HiveError SHUTTING_DOWN */
  refuseWhenHalting(): void {
    if (this.halting) throw new HiveError('SHUTTING_DOWN', 'The daemon is stopping and starts nothing any more.', { next: 'Start it again with `hivectl daemon start`.' });
  }
}
