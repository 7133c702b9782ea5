import type { ExitResult, Replica, Replicas } from '../runner.js';
import { stoppedOnPurpose } from '../../reconciler/replicas.js';
import type { SwarmIdentity } from './swarm-labels.js';
import type { SwarmNodes } from './swarm-nodes.js';
import { hasEnded, type SwarmService, type SwarmTask } from './swarm-shapes.js';

/** What a swarm's service is, seen at one moment. */
export interface Observed {
  readonly replicas: Replicas;
  /** Since when its oldest replica runs; null: none does. */
  readonly runningSince: Date | null;
  /** All have ended, and its swarm is not going to start another; null: not so. */
  readonly end: { readonly exit: ExitResult; readonly diagnosis?: string } | null;
}

/** `before`: the replicas as they were told last. Pure. */
export function observeService(service: SwarmService, identity: SwarmIdentity, tasks: readonly SwarmTask[], nodes: SwarmNodes, before: readonly Replica[]): Observed {
  const wanted = service.Spec.Mode.Replicated?.Replicas ?? 0;
  const present = tasks.filter((task) => isWanted(task) && !hasEnded(task) && !nodes.isLost(task)).sort(bySlot);
  const replicas = present.map((task) => replicaOf(service, identity, task, nodes));
  const there = new Set(replicas.map(({ id }) => id));
  const ended = before.filter(({ id }) => !there.has(id)).map(({ id }): [string, string] => [id, whyEnded(tasks.find((task) => task.ID === id), nodes)]);
  const since = replicas.flatMap(({ startedAt, state }) => (startedAt !== null && state === 'running' ? [startedAt] : [])).sort()[0];
  return {
    replicas: { wanted, present: replicas, ended: Object.fromEntries(ended) },
    runningSince: since === undefined ? null : new Date(since),
    end: wanted > 0 && present.length === 0 && tasks.length > 0 && tasks.every(hasEnded) && restartsNoMore(service, tasks) ? howItEnded(tasks) : null,
  };
}

function isWanted(task: SwarmTask): boolean {
  return task.DesiredState !== 'shutdown' && task.DesiredState !== 'remove';
}

function bySlot(one: SwarmTask, other: SwarmTask): number {
  return (one.Slot ?? 0) - (other.Slot ?? 0) || one.CreatedAt.localeCompare(other.CreatedAt);
}

function replicaOf(service: SwarmService, { ref, ports, stride, probed }: SwarmIdentity, task: SwarmTask, nodes: SwarmNodes): Replica {
  const { State: state, Err: error = '', Message: message = '', Timestamp: at, ContainerStatus: container, PortStatus: published } = task.Status;
  const running = state === 'running';
  const checked = service.Spec.TaskTemplate.ContainerSpec?.Healthcheck?.Test?.[0] === 'CMD-SHELL';
  const address = nodes.addressOf(task);
  const containerId = container?.ContainerID;
  return {
    number: numberOf(ref.number, task, stride),
    id: task.ID,
    state: running ? 'running' : 'starting',
    why: running ? null : [state, error === '' ? message : error].filter((said, index, all) => said !== '' && all.indexOf(said) === index).join(': '),
    // A swarm calls a task that has a check running once it has passed, and replaces one that fails.
    healthy: running && checked && !probed ? true : null,
    node: nodes.nameOf(task),
    ...(containerId === undefined || containerId === '' ? {} : { containerId }),
    startedAt: running ? new Date(at).toISOString() : null,
    endpoints: Object.fromEntries((published?.Ports ?? []).flatMap(({ TargetPort, PublishedPort, Protocol }) => {
      const name = ports[`${TargetPort}/${Protocol}`];
      return name === undefined || address === null || !running ? [] : [[name, { address, port: PublishedPort }]];
    })),
  };
}

/** Slots count from 1, as instances do; in blue-green every second number is of the other colour. */
export function numberOf(instance: number, task: Pick<SwarmTask, 'Slot'>, stride: 1 | 2): number {
  return ((task.Slot ?? 1) - 1) * stride + instance;
}

function whyEnded(task: SwarmTask | undefined, nodes: SwarmNodes): string {
  if (task === undefined) return stoppedOnPurpose;
  if (nodes.isLost(task)) return `is lost: its node ${nodes.nameOf(task) ?? ''} (${nodes.addressOf(task) ?? 'no address'}) does not answer its swarm any more`;
  const { State: state, Err: error = '', ContainerStatus: container } = task.Status;
  const said = error === '' ? '' : ` (${error})`;
  switch (state) {
    case 'failed':
      return `${container?.ExitCode === undefined || container.ExitCode === 0 ? 'failed' : `exited with code ${container.ExitCode}`}${said}`;
    case 'rejected':
      return `was rejected by its node${said}`;
    case 'complete':
      return 'ended with code 0';
    default:
      return stoppedOnPurpose;
  }
}

function restartsNoMore({ Spec: { TaskTemplate: { RestartPolicy: policy } } }: SwarmService, tasks: readonly SwarmTask[]): boolean {
  switch (policy?.Condition) {
    case 'none':
      return true;
    case 'on-failure':
      return (policy.MaxAttempts ?? 0) > 0 || newestOfSlots(tasks).every(({ Status }) => Status.State === 'complete');
    default:
      return (policy?.MaxAttempts ?? 0) > 0;
  }
}

function newestOfSlots(tasks: readonly SwarmTask[]): SwarmTask[] {
  const newest = new Map<number, SwarmTask>();
  for (const task of [...tasks].sort((one, other) => one.CreatedAt.localeCompare(other.CreatedAt))) newest.set(task.Slot ?? 0, task);
  return [...newest.values()];
}

/** The first of the newest tasks that failed says it; where none did, it ended as it should. */
export function howItEnded(tasks: readonly SwarmTask[]): { exit: ExitResult; diagnosis?: string } {
  const newest = newestOfSlots(tasks);
  const failed = newest.find(({ Status }) => Status.State !== 'complete');
  if (failed === undefined) return newest.length === 0 ? { exit: { kind: 'unknown', reason: 'its swarm does not say how its tasks ended' } } : { exit: { kind: 'code', code: 0 } };
  const { Err: error = '', ContainerStatus: container, State: state } = failed.Status;
  const code = container?.ExitCode;
  if (state === 'rejected' || code === undefined || container?.ContainerID === undefined) {
    return { exit: { kind: 'unknown', reason: error === '' ? 'its swarm does not say how its tasks ended' : error } };
  }
  return { exit: { kind: 'code', code }, ...(error === '' || error.startsWith('task: non-zero exit') ? {} : { diagnosis: error }) };
}
