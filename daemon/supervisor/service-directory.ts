import { parseFqn } from '../../shared/config/names.js';
import { HiveError } from '../../shared/errors/index.js';
import type { InstanceRef, RunningInstance } from '../runner/runner.js';
import { dependencyNames, Dependents } from './dependents.js';
import type { InstanceActor } from './instance-actor.js';
import type { SupervisedService } from './supervised-service.js';

/** All services under supervision, by name, by source and by what they depend on; and whoever wants to hear of their changes. */
export class ServiceDirectory {
  readonly dependents = new Dependents();
  private readonly services = new Map<string, SupervisedService>();
  private readonly listeners = new Set<(service: SupervisedService) => void>();

  add(service: SupervisedService): void {
    this.services.set(service.fqn, service);
  }

  delete(service: SupervisedService): void {
    this.services.delete(service.fqn);
  }

  find(fqn: string): SupervisedService | undefined {
    return this.services.get(fqn);
  }

  /** @throws HiveError NOT_FOUND, INVALID_PARAMS when it is no full name */
  get(fqn: string): SupervisedService {
    const service = this.services.get(fqn);
    if (service === undefined) {
      parseFqn(fqn);
      throw new HiveError('NOT_FOUND', `There is no service ${fqn}.`, { next: 'See `hivectl status --all` for those there are.', data: { fqn } });
    }
    return service;
  }

  all(): SupervisedService[] {
    return [...this.services.values()];
  }

  ofSource(source: string): SupervisedService[] {
    return this.all().filter((service) => service.spec.source === source);
  }

  actorOf(ref: InstanceRef): InstanceActor | undefined {
    return this.services.get(`${ref.source}:${ref.service}`)?.actors.find((actor) => actor.ref.number === ref.number);
  }

  /** Instances that run now, with their processes. */
  running(): { actor: InstanceActor; process: RunningInstance }[] {
    const found: { actor: InstanceActor; process: RunningInstance }[] = [];
    for (const service of this.services.values()) {
      for (const actor of service.actors) if (actor.state.kind === 'running') found.push({ actor, process: actor.state.process });
    }
    return found;
  }

  dependenciesOf(service: SupervisedService): SupervisedService[] {
    return dependencyNames(service.spec).flatMap((fqn) => this.services.get(fqn) ?? []);
  }

  onChange(listener: (service: SupervisedService) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(service: SupervisedService): void {
    for (const listener of this.listeners) listener(service);
  }
}
