import type { DependencyCondition } from '../../shared/config/service-spec.js';
import type { ServiceState } from '../../shared/protocol/results.js';
import type { StopPurpose } from '../reconciler/instance-state.js';
import type { DependencyView } from './dependency-gate.js';

/**
 * How a dependency is doing, as far as a service that has come up is concerned. `unclear`: on its way, or not checked yet;
 * what was known of it before still counts. `how` goes on from "db, which it depends on,".
 */
export type DependencyStanding = { readonly kind: 'well' } | { readonly kind: 'unclear' } | { readonly kind: 'failed'; readonly how: string };

const well: DependencyStanding = { kind: 'well' };
const unclear: DependencyStanding = { kind: 'unclear' };

export function standingOf(condition: DependencyCondition, view: DependencyView): DependencyStanding {
  if (condition === 'completed') return standingOfJob(view);
  switch (view.state) {
    case 'running':
      if (view.healthy === false) return { kind: 'failed', how: 'is unhealthy' };
      return view.healthy === true || !view.hasHealthCheck || condition === 'started' ? well : unclear;
    case 'completed':
      return condition === 'started' || !view.hasHealthCheck ? well : { kind: 'failed', how: 'has ended' };
    case 'stopping':
      return { kind: 'failed', how: stopping[view.stoppingFor ?? 'down'] };
    default:
      return { kind: 'failed', how: notRunning[view.state] };
  }
}

/** What a job has done once it has done; a later run of it matters only when it fails. */
function standingOfJob({ state }: DependencyView): DependencyStanding {
  if (state === 'completed') return well;
  return state === 'failed' || state === 'backoff' ? { kind: 'failed', how: notRunning[state] } : unclear;
}

const stopping: Readonly<Record<StopPurpose['kind'], string>> = { down: 'is being stopped', restart: 'is being restarted', unhealthy: 'is unhealthy', giveUp: 'has failed' };

const notRunning: Readonly<Record<Exclude<ServiceState, 'running' | 'completed' | 'stopping'>, string>> = {
  stopped: 'is stopped',
  waiting: 'waits for what it needs itself',
  building: 'is being built',
  starting: 'is being started',
  backoff: 'crashed and is about to be restarted',
  failed: 'failed',
};
