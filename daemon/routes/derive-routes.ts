import type { RouteSpec } from '../../shared/config/service-spec.js';
import { resolveRuntime } from '../../shared/config/runtime-template.js';
import type { RunningInstance } from '../runner/runner.js';
import type { Endpoint, Route } from '../../shared/protocol/results.js';

/** What the table needs to know of a service that has routes. */
export interface RoutedService {
  readonly fqn: string;
  readonly routes: readonly RouteSpec[];
  readonly hasHealthCheck: boolean;
  /** Why the service is as it is, for people who meet a route without endpoints. */
  readonly reason: string;
  readonly instances: readonly RoutedInstance[];
}

export interface RoutedInstance {
  readonly id: string;
  /** The life that runs; null: none does, or it is being stopped. */
  readonly incarnation: string | null;
  readonly healthy: boolean | null;
  readonly ports: Readonly<Record<string, number>>;
  /** Where ports answer that are not on 127.0.0.1 under the instance's own numbers. */
  readonly endpoints?: RunningInstance['endpoints'];
  /** The ports of what the service uses, by alias. */
  readonly uses?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Every route of the services with the endpoints that may get requests: running, and healthy where that is checked. Pure. */
export function deriveRoutes(services: readonly RoutedService[]): Route[] {
  return services.flatMap((service) => service.routes.map((route) => deriveRoute(service, route)));
}

function deriveRoute(service: RoutedService, route: RouteSpec): Route {
  const endpoints = service.instances.flatMap((instance) => endpointOf(service, instance, route.port) ?? []);
  const { ports = {}, uses = {} } = service.instances[0] ?? {};
  return {
    id: `${route.host ?? '*'}${route.path}`,
    host: route.host,
    path: route.path,
    service: service.fqn,
    stripPrefix: route.stripPrefix,
    timeoutMs: route.timeoutMs,
    headers: {
      // Before its first start a service may have no ports yet, and nothing to add headers for.
      add: endpoints.length === 0 ? {} : Object.fromEntries(Object.entries(route.headers.add).map(([name, text]) => [name, resolveRuntime(text, { ports, uses })])),
      remove: [...route.headers.remove],
    },
    endpoints,
    reason: endpoints.length > 0 ? null : service.reason,
  };
}

function endpointOf(service: RoutedService, instance: RoutedInstance, portName: string): Endpoint | null {
  const { address, port } = instance.endpoints?.[portName] ?? { address: '127.0.0.1', port: instance.ports[portName] };
  const takesRequests = instance.incarnation !== null && (service.hasHealthCheck ? instance.healthy === true : instance.healthy !== false);
  return takesRequests && port !== undefined ? { id: endpointId(instance.id, instance.incarnation, portName), address, port } : null;
}

export function endpointId(instance: string, incarnation: string | null, portName: string): string {
  return `${instance}/${portName}@${incarnation ?? ''}`;
}
