import type { RouteHub } from '../../routes/route-hub.js';
import type { Handlers } from '../dispatch.js';

type RouteMethods = Extract<keyof Handlers, `routes.${string}`>;

export function routeHandlers(routes: RouteHub): Pick<Handlers, RouteMethods> {
  return {
    'routes.get': () => routes.current(),
    'routes.subscribe': ({ drainMs }, { session }) => routes.subscribe(session, drainMs),
    'routes.ack': ({ version, listening, draining }, { session }) => {
      routes.acknowledge(session, version, { listening, draining });
      return {};
    },
    'routes.nack': ({ version, reason }, { session }) => {
      routes.refuse(session, version, reason);
      return {};
    },
    'routes.unsubscribe': (_params, { session }) => {
      routes.unsubscribe(session);
      return {};
    },
    'routes.drained': ({ endpoint }, { session }) => {
      routes.drained(session, endpoint);
      return {};
    },
  };
}
