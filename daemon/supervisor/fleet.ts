import { HiveError } from '../../shared/errors/index.js';
import { colorOf, numbersOfColor } from '../rollout/rollout-plan.js';
import type { PendingCause, StateStore } from '../state/state-store.js';
import { InstanceActor, type ActorWorld } from './instance-actor.js';
import type { InstanceRecords } from './instance-records.js';
import type { SupervisedService } from './supervised-service.js';

export interface FleetHost {
  readonly store: StateStore;
  readonly records: InstanceRecords;
  worldOf(service: SupervisedService, self: () => InstanceActor): ActorWorld;
  onChange(listener: (service: SupervisedService) => void): () => void;
  tell(service: SupervisedService): void;
  /** The instance is gone for good. */
  forgotten(actor: InstanceActor): void;
}

/** Which instances a service has: makes them, takes away those that are too many, and forgets them once they are stopped. */
export class Fleet {
  constructor(private readonly host: FleetHost) {}

  /** Makes the instances of these numbers that are not there yet, with the service's present spec. */
  make(service: SupervisedService, numbers: readonly number[]): InstanceActor[] {
    const there = new Set(service.actors.map((actor) => actor.ref.number));
    const made = [...new Set(numbers)].filter((number) => !there.has(number)).map((number) => {
      const ref = { source: service.spec.source, service: service.spec.name, number };
      const actor: InstanceActor = new InstanceActor(ref, service.spec, this.host.worldOf(service, () => actor));
      return actor;
    });
    service.actors.push(...made);
    service.actors.sort((a, b) => a.ref.number - b.ref.number);
    return made;
  }

  /** The numbers that `count` instances should have, those that are there first; in blue-green all of one colour. */
  numbersFor(service: SupervisedService, count: number): number[] {
    const present = this.staying(service).map((actor) => actor.ref.number);
    const color = service.spec.rollout.type === 'blue-green' ? colorOf(present[0] ?? 1) : null;
    const candidates = color === null ? Array.from({ length: count + present.length }, (_, index) => index + 1) : numbersOfColor(color, count + present.length);
    return [...present, ...candidates.filter((number) => !present.includes(number))].slice(0, count);
  }

  staying(service: SupervisedService): InstanceActor[] {
    return service.actors.filter((actor) => !service.surplus.has(actor));
  }

  /** Stops instances that are too many; each is forgotten once it is stopped. */
  remove(service: SupervisedService, actors: readonly InstanceActor[], cause: PendingCause): void {
    for (const actor of actors) {
      service.surplus.add(actor);
      actor.post({ kind: 'stop' }, cause);
      this.dismiss(service, actor);
    }
  }

  /** As `remove`; resolves when they are gone. @throws HiveError STOP_FAILED */
  async removed(service: SupervisedService, numbers: readonly number[], cause: PendingCause): Promise<void> {
    const actors = service.actors.filter((actor) => numbers.includes(actor.ref.number));
    this.remove(service, actors, cause);
    await new Promise<void>((resolve, reject) => {
      const look = (): boolean => {
        const left = actors.filter((actor) => service.actors.includes(actor));
        const stuck = left.find(({ state }) => state.kind === 'failed' && state.leftover !== null);
        if (stuck?.state.kind === 'failed') reject(new HiveError('STOP_FAILED', stuck.state.why, { data: { survivors: stuck.state.survivors } }));
        else if (left.length === 0) resolve();
        else return false;
        return true;
      };
      if (look()) return;
      const off = this.host.onChange((changed) => { if (changed === service && look()) off(); });
    });
  }

  /** An instance that was too many and is stopped is forgotten. */
  dismiss(service: SupervisedService, actor: InstanceActor): void {
    const { state } = actor;
    const gone = state.kind === 'stopped' || state.kind === 'completed' || (state.kind === 'failed' && state.leftover === null);
    if (!service.surplus.has(actor) || !gone) return;
    service.surplus.delete(actor);
    service.actors.splice(service.actors.indexOf(actor), 1);
    service.touch();
    this.host.forgotten(actor);
    void this.host.store.record(() => this.host.records.delete(actor.id));
    this.host.tell(service);
  }
}
