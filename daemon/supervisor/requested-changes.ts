import { hostPortsOf } from '../../shared/config/host-ports.js';
import { HiveError } from '../../shared/errors/index.js';
import { hasReplicas } from '../runner/has-replicas.js';
import { rememberCarried, writeCarried, type TakenIntents } from './carried-intents.js';
import { withDependencies } from './dependency-order.js';
import type { Wanted } from './intents.js';
import type { SupervisedService } from './supervised-service.js';
import type { Supervision } from './supervision.js';

/** Who asked for something, as events name it. */
export interface Requested {
  readonly request: string;
  readonly by: string;
}

/** What `services.scale` asks for. `ifInstances`: only where so many are wanted until now. */
export interface Scaling {
  readonly instances: number;
  readonly reason?: string | undefined;
  readonly ifInstances?: number | undefined;
}

export type Targets = { readonly fqn: string } | { readonly source: string };

/** What requests ask for: services up, down, anew, deployed, or more of them. Each resolves when the wish is durable. */
export class RequestedChanges {
  constructor(private readonly all: Supervision) {}

  /** Wants services up or down. A start wants up what it depends on, too. */
  async want(targets: Targets, wanted: Wanted, by: Requested): Promise<SupervisedService[]> {
    this.all.refuseWhenHalting();
    const services = this.named(targets);
    const all = wanted === 'up' ? withDependencies(services, (service) => this.all.services.dependenciesOf(service)) : services;
    const needed = all.filter((service) => services.includes(service) || this.all.wanted(service) === 'down');
    await this.writeIntents('fqn' in targets ? needed.map((service) => service.fqn) : [`${targets.source}:*`], wanted);
    for (const service of needed) this.obey(service, wanted, by);
    return services;
  }

  /**
   * Takes over what was said to another daemon, also about services that are not there yet, and acts on what differs for
   * those that are; answers the full names of these.
   */
  async takeOver(given: TakenIntents, by: Requested): Promise<string[]> {
    const { store, intents, services, orders } = this.all;
    this.all.refuseWhenHalting();
    const before = services.all().map((service) => ({ service, wanted: this.all.wanted(service), instances: this.all.instancesOf(service) }));
    await store.commit((tx) => writeCarried(tx, intents, given));
    rememberCarried(intents, given);
    const touched: string[] = [];
    for (const { service, ...was } of before) {
      const wanted = this.all.wanted(service);
      const isScaled = this.all.instancesOf(service) !== was.instances;
      if (isScaled) orders.resize(service, by, { reason: 'as it was when it was backed up', isRequest: true });
      if (wanted !== was.wanted) this.obey(service, wanted, by);
      if (isScaled || wanted !== was.wanted) touched.push(service.fqn);
    }
    return touched;
  }

  async restart(targets: Targets, by: Requested): Promise<SupervisedService[]> {
    this.all.refuseWhenHalting();
    const services = this.named(targets);
    await this.writeIntents(services.map((service) => service.fqn), 'up');
    for (const service of services) {
      service.touch();
      const why = `it was restarted by ${by.by}`;
      if (this.all.rollouts.isUnderWay(service.fqn)) for (const actor of service.actors) actor.post({ kind: 'restart', why }, by);
      else this.all.hooks.restart(service, why, by);
      this.all.services.tell(service);
    }
    return services;
  }

  /** Rolls the present spec out by the service's strategy. One that does not run is started. */
  async deploy(fqn: string, by: Requested): Promise<SupervisedService> {
    this.all.refuseWhenHalting();
    const service = this.all.services.get(fqn);
    const runs = this.all.wanted(service) === 'up' && service.actors.some(({ state }) => state.kind === 'running');
    if (runs) await this.all.rollouts.begin(service, service.actors[0]?.spec ?? service.spec, by);
    else await this.want({ fqn }, 'up', by);
    return service;
  }

  /** Wants that many instances. */
  async scale(fqn: string, { instances, reason, ifInstances }: Scaling, by: Requested): Promise<SupervisedService> {
    const { intents, rollouts, store } = this.all;
    this.all.refuseWhenHalting();
    const service = this.all.services.get(fqn);
    const wanted = this.all.instancesOf(service);
    if (ifInstances !== undefined && ifInstances !== wanted) {
      throw new HiveError('CONFLICT', `${fqn} is wanted with ${wanted} instances by now, not with ${ifInstances}.`, { next: 'Look at it again, then decide again.' });
    }
    const fixed = hostPortsOf(service.spec.rollout).filter(({ host }) => host !== 'auto').map(({ name }) => name);
    // A cluster publishes one number on each of its nodes.
    if (instances > 1 && fixed.length > 0 && !hasReplicas(service.spec)) {
      throw new HiveError('CONFLICT', `${fqn} cannot run ${instances} times: its port ${fixed.join(', ')} has a fixed number, which only one instance can have.`, {
        next: `Write \`${fixed[0] ?? 'http'}: auto\` in its rollout ports, then scale again.`,
      });
    }
    if (rollouts.isUnderWay(fqn)) {
      throw new HiveError('CONFLICT', `${fqn} is being deployed and cannot be scaled at the same time.`, { next: `Wait until it is done: hivectl wait ${fqn} --for deployed` });
    }
    await store.commit((tx) => intents.writeScale(tx, fqn, instances));
    intents.rememberScale(fqn, instances);
    service.touch();
    this.all.orders.resize(service, by, { reason, isRequest: true });
    return service;
  }

  private obey(service: SupervisedService, wanted: Wanted, by: Requested): void {
    const { services, rollouts, orders } = this.all;
    if (wanted === 'down') rollouts.cancel(service);
    service.touch();
    if (wanted === 'down') this.all.hooks.stop(service, by);
    else this.all.hooks.startAsked(service);
    for (const actor of service.actors) {
      if (wanted === 'up') orders.startWithPresentSpec(service, actor, `it was wanted up by ${by.by}`, by);
    }
    services.tell(service);
  }

  private named(targets: Targets): SupervisedService[] {
    return 'fqn' in targets ? [this.all.services.get(targets.fqn)] : this.all.services.ofSource(targets.source);
  }

  private async writeIntents(names: readonly string[], wanted: Wanted): Promise<void> {
    const { store, intents } = this.all;
    await store.commit((tx) => intents.write(tx, names, wanted));
    intents.remember(names, wanted);
  }
}
