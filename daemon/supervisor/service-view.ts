import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { Instance, LastExit, Service, ServiceState } from '../../shared/protocol/results.js';
import { placeOf } from '../reconciler/enter.js';
import { describeExit, seconds } from '../reconciler/restart-policy.js';
import type { InstanceState } from '../reconciler/instance-state.js';
import type { ExitResult } from '../runner/runner.js';
import type { InstanceActor } from './instance-actor.js';
import { explainReplicas, replicasAsInstances } from './shown-replicas.js';
import { monotonicMs } from './monotonic-clock.js';

/** Of several instances, the state that an operator has to know first. */
const worstFirst: readonly ServiceState[] = ['failed', 'backoff', 'stopping', 'starting', 'building', 'waiting', 'running', 'completed', 'stopped'];

/** A service as the protocol shows it. */
export function viewService(spec: ServiceSpec, actors: readonly InstanceActor[], facts: { wanted: 'up' | 'down'; instances: number; serving: ReadonlySet<number> | null; rollout: { color?: string; phase?: string }; ports: (actor: InstanceActor) => Record<string, number>; stopProgress: (actor: InstanceActor) => string | null; hook: string | null }): Service {
  const instances = actors.flatMap((actor) => replicasAsInstances(actor, facts.ports(actor)) ?? [viewInstance(actor, facts.ports(actor))]);
  // What a rollout is about to bring, or to take away, does not stand for the service.
  const standing = facts.serving === null || facts.serving.size === 0 ? actors : actors.filter((actor) => facts.serving?.has(actor.ref.number));
  const state = worstFirst.find((kind) => standing.some((actor) => actor.state.kind === kind)) ?? 'stopped';
  const shown = standing.find((actor) => actor.state.kind === state);
  const verdicts = standing.flatMap((actor) => (actor.state.kind === 'running' ? [actor.state.healthy] : []));
  return {
    fqn: spec.fqn,
    source: spec.source,
    name: spec.name,
    runner: spec.runner.type,
    state,
    healthy: verdicts.length === 0 || verdicts.some((verdict) => verdict === null) ? verdicts.find((verdict) => verdict === false) ?? null : verdicts.every((verdict) => verdict === true),
    wanted: facts.wanted,
    reason: shown === undefined ? 'it has no instances' : facts.stopProgress(shown) ?? (state === 'running' || state === 'stopped' || state === 'completed' ? facts.hook : null) ?? explain(shown, facts.wanted),
    specHash: spec.specHash,
    restarts: actors.reduce((sum, actor) => sum + actor.restarts, 0),
    startedAt: instances.map((instance) => instance.startedAt).filter((at) => at !== null).sort()[0] ?? null,
    ports: instances[0]?.ports ?? {},
    routes: spec.proxy.map((route) => `${route.host ?? '*'}${route.path}`),
    instances,
    ...(spec.scale === null ? {} : { scale: { instances: facts.instances, ...spec.scale } }),
    rollout: { type: spec.rollout.type, ...facts.rollout },
  };
}

function viewInstance(actor: InstanceActor, ports: Record<string, number>): Instance {
  const { state } = actor;
  const process = state.kind === 'running' ? state.process : null;
  return {
    id: actor.id,
    state: state.kind,
    healthy: state.kind === 'running' ? state.healthy : null,
    ...(process === null ? {} : placeOf(process)),
    ...(process?.node === undefined ? {} : { node: process.node }),
    startedAt: actor.run?.startedAt.toISOString() ?? null,
    ports,
    restarts: actor.restarts,
    ...(actor.lastExit === null ? {} : { lastExit: viewExit(actor.lastExit.exit, actor.lastExit.at) }),
  };
}

function viewExit(exit: ExitResult, at: Date): LastExit {
  switch (exit.kind) {
    case 'code':
      return { code: exit.code, signal: null, at: at.toISOString() };
    case 'signal':
      return { code: null, signal: exit.signal, at: at.toISOString() };
    case 'unknown':
      return { code: null, signal: null, at: at.toISOString(), unknown: exit.reason };
  }
}

/** One sentence without a full stop: why the instance is in its state. */
function explain(actor: InstanceActor, wanted: 'up' | 'down'): string {
  const { state, lastExit } = actor;
  const lastRun = lastExit === null ? '' : `; its last run ${describeExit(lastExit.exit)}`;
  switch (state.kind) {
    case 'stopped':
      return wanted === 'down' ? `it is wanted down${lastRun}` : `it is not running${lastRun}`;
    case 'waiting':
      return state.on === '' ? 'looking whether it may start' : state.on;
    case 'building':
      return 'its build command runs';
    case 'starting':
      return 'it is being launched';
    case 'running':
      return explainHealth(state, lastRun, explainReplicas(actor));
    case 'stopping':
      return 'it is being stopped';
    case 'backoff':
      return `it ${state.why}, ${seconds(Math.max(0, state.untilMs - monotonicMs()))} left`;
    case 'failed':
      return `it ${state.why}`;
    case 'completed':
      return 'it ended with code 0, as it should';
  }
}

function explainHealth(state: Extract<InstanceState, { kind: 'running' }>, lastRun: string, replicas: string | null): string {
  if (replicas !== null) return `${replicas}${state.healthy === true ? ' and are healthy' : state.healthy === false ? ` and none is healthy: ${state.detail ?? 'a check fails'}` : ''}${lastRun}`;
  if (state.healthy === false) return `it runs but is unhealthy: ${state.detail ?? 'a check fails'}`;
  if (state.healthy === true) return `it runs and its checks pass${lastRun}`;
  return `it runs${lastRun}`;
}
