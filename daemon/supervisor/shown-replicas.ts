import type { Instance } from '../../shared/protocol/results.js';
import { healthOfReplica, replicaName } from '../reconciler/replicas.js';
import type { RoutedInstance } from '../routes/derive-routes.js';
import type { Replica } from '../runner/runner.js';
import type { InstanceActor } from './instance-actor.js';

/** The replicas that stand for an instance, each shown as an instance of its service; null: it has none, and stands for itself. */
export function replicasAsInstances(actor: InstanceActor, ports: Readonly<Record<string, number>>): Instance[] | null {
  const { state } = actor;
  if (state.kind !== 'running' || state.process.replicas === undefined) return null;
  return state.process.replicas.present.map((replica) => ({
    id: replicaName(actor.fqn, replica),
    state: replica.state,
    healthy: healthOfReplica(replica, state.replicas ?? {}),
    ...(replica.containerId === undefined ? {} : { containerId: replica.containerId }),
    ...(replica.node === null ? {} : { node: replica.node }),
    startedAt: replica.startedAt,
    ports: { ...ports, ...Object.fromEntries(Object.entries(replica.endpoints).map(([name, { port }]) => [name, port])) },
    restarts: actor.restarts,
  }));
}

/** As `replicasAsInstances`, for the route table: each replica that runs is an endpoint. */
export function replicasAsRouted(actor: InstanceActor, shared: Pick<RoutedInstance, 'uses'>): RoutedInstance[] | null {
  const { state } = actor;
  if (state.kind !== 'running' || state.process.replicas === undefined) return null;
  return runningReplicas(actor).map((replica) => ({
    id: replicaName(actor.fqn, replica),
    incarnation: replica.id,
    healthy: healthOfReplica(replica, state.replicas ?? {}),
    // Hive's own number of a port means nothing on other machines.
    ports: {},
    endpoints: replica.endpoints,
    ...shared,
  }));
}

export function runningReplicas(actor: InstanceActor): readonly Replica[] {
  const { state } = actor;
  return state.kind !== 'running' ? [] : (state.process.replicas?.present ?? []).filter((replica) => replica.state === 'running');
}

/** `3 of 4 replicas run; #2 waits: no suitable node`; null where there is nothing to say about replicas. */
export function explainReplicas(actor: InstanceActor): string | null {
  const { state } = actor;
  if (state.kind !== 'running' || state.process.replicas === undefined) return null;
  const { wanted, present } = state.process.replicas;
  const running = runningReplicas(actor).length;
  if (running >= wanted && present.every((replica) => replica.state === 'running')) return `${running === 1 ? 'its replica runs' : `its ${running} replicas run`}`;
  const waiting = present.find((replica) => replica.state !== 'running' && replica.why !== null);
  return `${running} of ${wanted} replicas run${waiting === undefined ? '' : `; #${waiting.number} waits: ${waiting.why ?? ''}`}`;
}
