import type { LimitsSpec } from '../../../shared/config/service-spec.js';
import { flavours } from '../docker/flavour.js';
import type { SwarmCommand, SwarmUpkeep } from '../instance-command.js';
import type { ReplicaUpdate } from '../runner.js';
import { taskGraceMs } from '../task.js';
import { ownerOf } from './swarm-labels.js';

export interface ServiceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: Partial<LimitsSpec>;
  readonly replicas: number;
  /** Ids of secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Counts what asks for new tasks although nothing else differs. */
  readonly forced: number;
  readonly update: Pick<ReplicaUpdate, 'maxSurge' | 'maxUnavailable' | 'onFailure'>;
}

/** How long a swarm watches a new task before it goes on to the next. */
const watchMs = 2_000;
/** And how long it then lets Hive's own checks see it. */
const probedMs = 1_000;

/** A service of a swarm in the words of Docker's API. Pure. */
export function serviceSpecOf(command: SwarmCommand, facts: ServiceFacts): Record<string, unknown> {
  const { upkeep } = command;
  return {
    Name: facts.name,
    Labels: facts.labels,
    Mode: { Replicated: { Replicas: facts.replicas } },
    TaskTemplate: {
      ContainerSpec: containerSpec(command, facts),
      Resources: { Limits: limitsOf(facts.limits) },
      RestartPolicy: restartPolicy(upkeep),
      Placement: { Constraints: [...command.constraints] },
      Networks: command.networks.map((network) => ({ Target: network })),
      LogDriver: { Name: flavours.docker.logDriver.Type, Options: { ...flavours.docker.logDriver.Config } },
      ForceUpdate: facts.forced,
    },
    // No routing mesh: it needs IPVS on every node, hides which task answered, and would balance beside Hive's proxy.
    EndpointSpec: {
      Mode: 'vip',
      Ports: command.ports.map(({ published, target, protocol }) => ({ Protocol: protocol, TargetPort: target, PublishMode: 'host', ...(published === null ? {} : { PublishedPort: published }) })),
    },
    UpdateConfig: updateConfig(command, facts.update),
    RollbackConfig: { ...updateConfig(command, facts.update), FailureAction: 'pause' },
  };
}

function containerSpec(command: SwarmCommand, { labels, environment, limits, secrets }: ServiceFacts): Record<string, unknown> {
  const { upkeep, user, stopSignal } = command;
  const check = upkeep?.check ?? null;
  return {
    Image: command.image,
    Labels: { ...command.labels, ...ownerOf(labels) },
    Env: Object.entries(environment).map(([name, value]) => `${name}=${valueOf(name, value, command)}`),
    ...(command.command === null ? {} : { Args: [...command.command] }),
    ...(user === null ? {} : { User: user }),
    Mounts: command.volumes.map(mountOf),
    Secrets: command.secrets.map((text) => secretOf(text, secrets)),
    StopSignal: stopSignal,
    StopGracePeriod: nanoseconds(upkeep?.graceMs ?? taskGraceMs),
    ...(typeof limits.openFiles === 'number' ? { Ulimits: [{ Name: 'nofile', Soft: limits.openFiles, Hard: limits.openFiles }] } : {}),
    ...(check === null ? {} : { Healthcheck: healthcheck(check) }),
  };
}

/** Engines fill in templates in values: each task learns its own number by one, and what a service says stays as it is. */
function valueOf(name: string, value: string, { upkeep }: SwarmCommand): string {
  if (name === 'HIVE_INSTANCE' && upkeep?.stride === 1) return '{{.Task.Slot}}';
  return value.replaceAll('{{', '{{"{{"}}');
}

function healthcheck({ command, intervalMs, timeoutMs, retries, startPeriodMs }: NonNullable<SwarmUpkeep['check']>): Record<string, unknown> {
  return { Test: ['CMD-SHELL', command], Interval: nanoseconds(intervalMs), Timeout: nanoseconds(timeoutMs), Retries: retries, StartPeriod: nanoseconds(startPeriodMs) };
}

/** A swarm restarts tasks after a fixed delay; `max_restarts` counts for each of them. */
function restartPolicy(upkeep: SwarmUpkeep | null): Record<string, unknown> {
  if (upkeep === null || upkeep.restart.policy === 'never') return { Condition: 'none' };
  const { policy, delayMs, maxRestarts, windowMs } = upkeep.restart;
  return { Condition: policy === 'on-failure' ? 'on-failure' : 'any', Delay: nanoseconds(delayMs), ...(maxRestarts === null ? {} : { MaxAttempts: maxRestarts, Window: nanoseconds(windowMs) }) };
}

/** Two tasks with one fixed number cannot be on one node, so that the old one has to go first there. */
function updateConfig({ ports, upkeep }: SwarmCommand, { maxSurge, maxUnavailable, onFailure }: ServiceFacts['update']): Record<string, unknown> {
  const startFirst = maxSurge > 0 && ports.every(({ published }) => published === null);
  return {
    Parallelism: Math.max(1, startFirst ? maxSurge : maxUnavailable),
    Order: startFirst ? 'start-first' : 'stop-first',
    Delay: upkeep?.probed === true ? nanoseconds(probedMs) : 0,
    Monitor: nanoseconds(watchMs),
    FailureAction: onFailure === 'keep-old' ? 'rollback' : 'pause',
    MaxFailureRatio: 0,
  };
}

function mountOf(volume: string): Record<string, unknown> {
  const parts = volume.split(':');
  const [source, target = source, options = ''] = parts;
  const readOnly = options.split(',').includes('ro');
  if (parts.length === 1) return { Type: 'volume', Target: source };
  return { Type: source?.startsWith('/') === true ? 'bind' : 'volume', Source: source, Target: target, ReadOnly: readOnly };
}

/** `name` or `name:/path`. */
export function secretName(text: string): string {
  return text.split(':', 1)[0] ?? text;
}

function secretOf(text: string, ids: Readonly<Record<string, string>>): Record<string, unknown> {
  const name = secretName(text);
  return { SecretID: ids[name], SecretName: name, File: { Name: text.slice(name.length + 1) || name, UID: '0', GID: '0', Mode: 0o444 } };
}

function limitsOf({ memoryBytes, cpu }: Partial<LimitsSpec>): Record<string, number> {
  return { ...(typeof memoryBytes === 'number' ? { MemoryBytes: memoryBytes } : {}), ...(typeof cpu === 'number' ? { NanoCPUs: Math.round(cpu * 1e9) } : {}) };
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
