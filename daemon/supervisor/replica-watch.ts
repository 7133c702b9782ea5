import type { HealthMonitor, WatchedInstance } from '../health/health-monitor.js';
import type { LogStore } from '../logs/log-store.js';
import type { InstanceRef } from '../runner/runner.js';
import type { InstanceActor } from './instance-actor.js';
import { runningReplicas } from './shown-replicas.js';

/** The part of a watch that all replicas of an instance share. */
export type SharedWatch = Omit<WatchedInstance, 'ref' | 'endpoints' | 'knownHealthy' | 'exec'>;

/**
 * Keeps the health checks and the log files of replicas in step with which there are. What stays is not touched: a check
 * that has failed twice must not begin to count anew because another replica came.
 */
export class ReplicaWatch {
  /** By actor id, the replicas that are watched, by their ids. */
  private readonly watched = new Map<string, Map<string, InstanceRef>>();

  constructor(private readonly tools: { readonly health: HealthMonitor; readonly logs: LogStore }) {}

  /** Watches exactly those replicas of the instance that run now. */
  follow(actor: InstanceActor, shared: SharedWatch | null): void {
    const before = this.watched.get(actor.id) ?? new Map<string, InstanceRef>();
    const now = new Map(runningReplicas(actor).map((replica) => [replica.id, replica]));
    const kept = new Map([...before].filter(([id]) => now.has(id)));
    for (const [id, ref] of before) if (!now.has(id)) this.drop(ref, [...kept.values()]);
    for (const [id, replica] of now) {
      if (kept.has(id)) continue;
      const ref = { ...actor.ref, number: replica.number, task: id };
      kept.set(id, ref);
      this.tools.logs.track({ ...actor.ref, number: replica.number }, actor.spec.logs);
      const verdicts = actor.state.kind === 'running' ? actor.state.replicas : undefined;
      if (shared !== null) this.tools.health.watch({ ...shared, ref, endpoints: replica.endpoints, knownHealthy: verdicts?.[id]?.healthy ?? null });
    }
    this.watched.set(actor.id, kept);
  }

  end(actor: InstanceActor): void {
    for (const ref of this.watched.get(actor.id)?.values() ?? []) this.drop(ref, []);
    this.watched.delete(actor.id);
  }

  private drop(ref: InstanceRef, staying: readonly InstanceRef[]): void {
    this.tools.health.unwatch(ref);
    const { source, service, number } = ref;
    if (!staying.some((other) => other.number === number)) this.tools.logs.untrack({ source, service, number });
  }
}
