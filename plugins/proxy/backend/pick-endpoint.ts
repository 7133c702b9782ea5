import type { EndpointPool } from './endpoint-pool.js';

let turn = 0;

/**
 * The endpoint that has the fewest requests; among equals they take turns. One that was taken out is used only when all
 * are, and then the one whose pause ends first: a wrong verdict about all of them must not stop the service.
 * @param tried not these again
 */
export function pickEndpoint(pools: readonly EndpointPool[], now: number, tried: ReadonlySet<EndpointPool> | null): EndpointPool | null {
  const first = pools.length > 1 ? turn++ % pools.length : 0;
  let best: EndpointPool | null = null;
  let bestOfEjected: EndpointPool | null = null;
  for (let step = 0; step < pools.length; step++) {
    const pool = pools[(first + step) % pools.length] as EndpointPool;
    if (!pool.isServing || tried?.has(pool) === true) continue;
    if (pool.ejectedUntil > now) {
      if (bestOfEjected === null || pool.ejectedUntil < bestOfEjected.ejectedUntil) bestOfEjected = pool;
    } else if (best === null || pool.active < best.active) best = pool;
  }
  return best ?? bestOfEjected;
}
