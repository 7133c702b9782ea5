import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { SupervisedService } from './supervised-service.js';

/** Who depends on whom by `depends_on`, looked up from below: each service's direct dependents. */
export class Dependents {
  private readonly byDependency = new Map<string, Set<SupervisedService>>();

  /** To be called anew whenever the spec of the service is replaced, after `remove` with the old one. */
  add(service: SupervisedService): void {
    for (const fqn of dependencyNames(service.spec)) {
      const set = this.byDependency.get(fqn) ?? new Set();
      this.byDependency.set(fqn, set.add(service));
    }
  }

  remove(service: SupervisedService): void {
    for (const fqn of dependencyNames(service.spec)) this.byDependency.get(fqn)?.delete(service);
  }

  of(fqn: string): Iterable<SupervisedService> {
    return this.byDependency.get(fqn) ?? [];
  }
}

/** The full names of what a service depends on; whether they exist is not looked at. */
export function dependencyNames({ source, dependsOn }: ServiceSpec): string[] {
  return dependsOn.map(({ name }) => `${source}:${name}`);
}
