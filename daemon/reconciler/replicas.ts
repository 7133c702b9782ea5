import type { NewEvent } from '../../shared/protocol/events.js';
import type { Replica, Replicas, RunningInstance } from '../runner/runner.js';
import type { StepContext } from './step.js';

/** What Hive's own checks found last, by replica id. */
export type ReplicaVerdicts = Readonly<Record<string, { readonly healthy: boolean; readonly detail: string }>>;

export interface ReplicaHealth {
  readonly healthy: boolean | null;
  readonly detail: string | null;
}

/** Why a replica ended of which nothing else is known; it is nobody's failure. */
export const stoppedOnPurpose = 'was stopped by its cluster';

/** Whether a replica is healthy: both the cluster and Hive may have checks, and both have to agree. */
export function healthOfReplica(replica: Replica, verdicts: ReplicaVerdicts): boolean | null {
  const own = verdicts[replica.id]?.healthy ?? null;
  if (replica.state !== 'running') return null;
  return replica.healthy === false || own === false ? false : own ?? replica.healthy;
}

/**
 * The health of the whole: healthy once all that are wanted are, unhealthy once none is; in between it stays what it was,
 * since a cluster mends single ones by itself. Unknown while none runs.
 */
export function healthOfAll({ wanted, present }: Replicas, verdicts: ReplicaVerdicts, before: ReplicaHealth): ReplicaHealth {
  const running = present.filter(({ state }) => state === 'running');
  const found = running.map((replica) => healthOfReplica(replica, verdicts));
  const sick = running.find((_, index) => found[index] === false);
  if (running.length === 0) return { healthy: null, detail: null };
  if (running.length >= wanted && found.every((healthy) => healthy === true)) return { healthy: true, detail: null };
  if (found.every((healthy) => healthy === false)) return { healthy: false, detail: sick === undefined ? null : verdicts[sick.id]?.detail ?? null };
  return found.some((healthy) => healthy !== null) ? { healthy: before.healthy, detail: before.detail } : { healthy: null, detail: null };
}

/** The event of a verdict that the cluster's own checks made. */
export function healthByCluster({ service, instance }: StepContext, healthy: boolean): NewEvent {
  return { type: 'service.healthChanged', service, instance, healthy, check: 'cmd', detail: healthy ? 'its cluster says that all replicas pass' : 'its cluster says that no replica passes' };
}

/** Forgets what was found of replicas that are not there any more. */
export function verdictsOnPresent({ present }: Replicas, verdicts: ReplicaVerdicts): ReplicaVerdicts {
  return Object.fromEntries(present.flatMap(({ id }) => (verdicts[id] === undefined ? [] : [[id, verdicts[id]]])));
}

/** What is told of replicas that came and went; `before` null: nothing was there. */
export function replicaEvents({ service }: Pick<StepContext, 'service'>, before: RunningInstance | null, after: RunningInstance): NewEvent[] {
  const was = runningById(before);
  const is = runningById(after);
  const ended = [...was.values()].filter(({ id }) => !is.has(id)).map((replica): NewEvent => ({
    type: 'service.replicaEnded', service, instance: replicaName(service, replica), node: replica.node ?? '',
    reason: after.replicas?.ended[replica.id] ?? stoppedOnPurpose,
  }));
  const started = [...is.values()].filter(({ id }) => !was.has(id)).map((replica): NewEvent => ({
    type: 'service.replicaStarted', service, instance: replicaName(service, replica), node: replica.node ?? '',
    ...(replica.containerId === undefined ? {} : { containerId: replica.containerId }),
  }));
  return [...ended, ...started];
}

/** As people know it: an instance of its service. */
export function replicaName(fqn: string, { number }: Pick<Replica, 'number'>): string {
  return `${fqn}#${number}`;
}

function runningById(process: RunningInstance | null): ReadonlyMap<string, Replica> {
  return new Map((process?.replicas?.present ?? []).filter(({ state }) => state === 'running').map((replica) => [replica.id, replica]));
}
