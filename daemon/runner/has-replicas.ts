import type { ServiceSpec } from '../../shared/config/service-spec.js';

/** Whether one incarnation stands for all instances of a service, which a cluster runs as its replicas. */
export function hasReplicas({ runner }: Pick<ServiceSpec, 'runner'>): boolean {
  return runner.type === 'swarm';
}
