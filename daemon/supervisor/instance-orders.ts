import { HiveError } from '../../shared/errors/index.js';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { RolloutStep } from '../rollout/rollout-plan.js';
import type { ReplicaUpdate } from '../runner/runner.js';
import { hasReplicas } from '../runner/has-replicas.js';
import type { EventRef, PendingCause } from '../state/state-store.js';
import { hasHooks } from '../hooks/hook-steps.js';
import type { InstanceActor } from './instance-actor.js';
import { stopInOrder } from './stop-in-order.js';
import type { SupervisedService } from './supervised-service.js';
import type { Supervision } from './supervision.js';

/** The orders that requests, sources and rollouts give to the instances of services. */
export class InstanceOrders {
  constructor(private readonly all: Supervision) {}

  startInstances(service: SupervisedService, numbers: readonly number[], cause: PendingCause): void {
    this.all.fleet.make(service, numbers);
    for (const actor of service.actors) {
      if (numbers.includes(actor.ref.number)) this.startWithPresentSpec(service, actor, 'it is being rolled out', cause);
    }
  }

  /** Restarts instances with the present spec; where the service has hooks, all of them. */
  replaceInstances(service: SupervisedService, numbers: readonly number[], why: string, cause: PendingCause): void {
    if (hasHooks(service.spec.hooks)) return this.all.hooks.restart(service, why, cause);
    for (const actor of service.actors) {
      if (!numbers.includes(actor.ref.number)) continue;
      actor.spec = service.spec;
      actor.post({ kind: 'restart', why }, cause);
    }
  }

  /** Has a cluster replace what runs for instances by what `spec` says; what does not run is started. */
  async updateInstances(service: SupervisedService, spec: ServiceSpec, { numbers, ...how }: Extract<RolloutStep, { do: 'update' }>, control: Pick<ReplicaUpdate, 'signal' | 'onProgress'>, cause: PendingCause): Promise<void> {
    await Promise.all(service.actors.filter(({ ref }) => numbers.includes(ref.number)).map(async (actor) => {
      if (actor.state.kind !== 'running') return this.startWithPresentSpec(service, actor, 'it is being rolled out', cause);
      const before = actor.spec;
      actor.spec = spec;
      try {
        await this.all.work.update(actor.state.process, actor, service, { ...how, ...control });
      } catch (error) {
        actor.spec = before;
        throw error;
      }
    }));
  }

  /** What does not run takes the present spec; what runs keeps what it was started with. */
  startWithPresentSpec(service: SupervisedService, actor: InstanceActor, why: string, cause: PendingCause): void {
    if (actor.state.kind !== 'running' && actor.state.kind !== 'starting') actor.spec = service.spec;
    actor.post({ kind: 'start', why }, cause);
  }

  /** Brings the number of instances to what is wanted: more are started, and the last ones stop. */
  resize(service: SupervisedService, cause: PendingCause, { reason, isRequest = false }: { reason?: string | undefined; isRequest?: boolean } = {}): void {
    const { rollouts, fleet, store, services } = this.all;
    if (rollouts.isUnderWay(service.fqn)) return;
    const count = this.all.instancesOf(service);
    const staying = fleet.staying(service);
    const from = hasReplicas(service.spec) ? replicasWantedOf(staying[0]) ?? count : staying.length;
    // A request that changes nothing is told all the same: whoever scales by itself has to know that somebody chose this number.
    if (from === count && !isRequest) return;
    // Has its number by the time that the instances tell of their steps: those are written after it.
    const scaled: EventRef = { seq: 0 };
    void store.record((tx) => {
      scaled.seq = tx.append({ type: 'service.scaled', service: service.fqn, from, to: count, ...(reason === undefined ? {} : { reason }) }, cause).seq;
    });
    const actors = this.all.actorsOf(service);
    fleet.remove(service, staying.slice(actors), scaled);
    if (hasReplicas(service.spec)) this.matchReplicas(service);
    for (const actor of fleet.make(service, fleet.numbersFor(service, actors))) {
      if (this.all.wanted(service) === 'up') actor.post({ kind: 'start', why: `it was scaled from ${from} to ${count}` }, scaled);
    }
    service.touch();
    services.tell(service);
  }

  /** A cluster is told how many replicas are wanted, where it has another number. */
  matchReplicas(service: SupervisedService): void {
    const count = this.all.instancesOf(service);
    for (const actor of service.actors) {
      const wanted = replicasWantedOf(actor);
      if (wanted !== null && wanted !== count && !this.all.rollouts.isUnderWay(service.fqn)) void this.all.work.resize(actor, count);
    }
  }

  /** Its health checks and log rotation go on as the present spec says. */
  watchAnew(actor: InstanceActor): void {
    if (actor.state.kind !== 'running') return;
    this.all.work.endWatching(actor);
    void this.all.work.beginWatching(actor, actor.state.process, actor.state.healthy);
  }

  /** Stops services that are wanted down, each once nothing is left that needs it. @throws HiveError STOP_FAILED, CONFLICT */
  stopInOrder(services: readonly SupervisedService[], cause: PendingCause): Promise<void> {
    return stopInOrder(services, (service) => this.neededBy(service), (service) => this.stopOne(service, cause));
  }

  private stopOne(service: SupervisedService, cause: PendingCause): Promise<void> {
    // What is not known cannot be stopped. A daemon that ends leaves it to the next one.
    if (service.held !== null && this.all.halting) return Promise.resolve();
    if (service.held !== null) {
      return Promise.reject(new HiveError('ENGINE_UNAVAILABLE', `${service.fqn} cannot be stopped now: ${this.all.tools.runner.trouble(service.held)?.sentence ?? 'its engine does not answer'}.`));
    }
    this.all.hooks.stop(service, cause);
    return new Promise<void>((resolve, reject) => {
      const look = (): boolean => {
        if (this.all.wanted(service) === 'up') {
          const calledOff = this.all.hooks.notice(service);
          reject(calledOff === null
            ? new HiveError('CONFLICT', `${service.fqn} is not stopped: it was put back meanwhile.`)
            : new HiveError('HOOK_FAILED', `${service.fqn} is not stopped: ${calledOff}.`, { next: 'Mend the hook, then try again.' }));
          return true;
        }
        const states = service.actors.map((actor) => actor.state);
        const stuck = states.find((state) => state.kind === 'failed' && state.leftover !== null);
        if (stuck?.kind === 'failed') reject(new HiveError('STOP_FAILED', stuck.why, { data: { survivors: stuck.survivors } }));
        else if (states.every((state) => ['stopped', 'failed', 'completed'].includes(state.kind)) && !this.all.hooks.isBetween(service)) resolve();
        else return false;
        return true;
      };
      if (look()) return;
      const off = this.all.services.onChange((changed) => {
        if (changed === service && look()) off();
      });
    });
  }

  /** Somebody waits for all instances to stop, also those that were leaving already. */
  stopInstances(service: SupervisedService, cause: PendingCause): void {
    for (const actor of service.actors) {
      actor.post({ kind: 'stop' }, cause);
      this.all.work.hurry(actor);
    }
  }

  /** What has to outlast it: what it depends on, and what it uses. */
  private neededBy(service: SupervisedService): SupervisedService[] {
    const { services, sharing } = this.all;
    return [...services.dependenciesOf(service), ...sharing.outlasting(service.spec).flatMap((fqn) => services.find(fqn) ?? [])];
  }
}

/** How many replicas a cluster was told to run for an instance; null: it does not run, or not in a cluster. */
function replicasWantedOf(actor: InstanceActor | undefined): number | null {
  return actor?.state.kind === 'running' ? actor.state.process.replicas?.wanted ?? null : null;
}
