import type { RoutedService } from '../routes/derive-routes.js';
import { replicasAsRouted } from './shown-replicas.js';
import type { Supervision } from './supervision.js';

/** The reason of a service in backoff counts down; a table that did so would change all the time. */
const untimed = 'it crashed and is about to be restarted';

/** What the route table is made of: the services with routes, and their instances that count as endpoints. */
export function routedServices({ services, tools, sharing }: Supervision): RoutedService[] {
  return services.all().filter(({ spec }) => spec.proxy.length > 0).map((service) => {
    const { spec } = service;
    const { state, reason } = service.view();
    const instances = service.actors.filter((actor) => service.serving?.has(actor.ref.number) ?? !service.surplus.has(actor)).flatMap((actor) => replicasAsRouted(actor, { uses: sharing.known(actor.spec, actor.id).usedPorts }) ?? [{
      id: actor.id,
      incarnation: actor.state.kind === 'running' ? actor.state.process.incarnation : null,
      healthy: actor.state.kind === 'running' ? actor.state.healthy : null,
      ports: tools.ports.known(actor.spec.rollout, actor.id),
      ...(actor.state.kind === 'running' && actor.state.process.endpoints !== undefined ? { endpoints: actor.state.process.endpoints } : {}),
      uses: sharing.known(actor.spec, actor.id).usedPorts,
    }]);
    return { fqn: spec.fqn, routes: spec.proxy, hasHealthCheck: service.hasHealthCheck, reason: state === 'backoff' ? untimed : reason, instances };
  });
}
