import { readProviders, resolveEnvironment } from '../../shared/config/resolve-environment.js';
import { resolveRuntime, type RuntimeValues } from '../../shared/config/runtime-template.js';
import type { HealthCheckSpec, ServiceSpec } from '../../shared/config/service-spec.js';
import type { WatchedInstance } from '../health/health-monitor.js';
import type { LogPaths } from '../logs/log-paths.js';
import type { InstanceRef, LaunchRequest } from '../runner/runner.js';
import type { Injection } from '../sharing/sharing.js';
import { commandOf, runnerEnvironment } from '../runner/command-of.js';
import type { InstanceCommand } from '../runner/instance-command.js';

type Ports = Readonly<Record<string, number>>;

/** What an incarnation is started with: the spec with every template filled in. */
export function launchRequest(
  spec: ServiceSpec,
  facts: { ref: InstanceRef; incarnation: string; ports: Ports; environment: Record<string, string>; paths: LogPaths; injection: Injection } & Pick<LaunchRequest<InstanceCommand>, 'onProgress' | 'stillWanted' | 'replicas'>,
): LaunchRequest<InstanceCommand> {
  const { runner } = spec;
  const { ref, incarnation, ports, environment, paths, injection, onProgress, stillWanted, replicas } = facts;
  return {
    ref,
    incarnation,
    command: commandOf(spec, { ports, uses: injection.usedPorts }),
    environment,
    workingDirectory: runner.type === 'script' ? runner.workingDir : spec.projectRoot,
    stdoutPath: paths.stdoutPath,
    stderrPath: paths.stderrPath,
    ...(spec.limits === null ? {} : { limits: spec.limits }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(stillWanted === undefined ? {} : { stillWanted }),
  };
}

/** The whole environment of an instance; see docs/configuration.md for the order of precedence. */
export async function instanceEnvironment(spec: ServiceSpec, ref: InstanceRef, ports: Ports, daemonEnvironment: Readonly<Record<string, string>>, injection: Injection): Promise<Record<string, string>> {
  const provided = await readProviders(spec.environment);
  return resolveEnvironment({ spec, instance: ref.number, ports, provided, daemonEnvironment, ...injection });
}

/** What an instance gets from its runner: a container has nothing of the daemon's own environment, whose PATH and HOME mean nothing in it. */
export async function environmentInside(spec: ServiceSpec, ref: InstanceRef, ports: Ports, daemonEnvironment: Readonly<Record<string, string>>, injection: Injection): Promise<Record<string, string>> {
  if (spec.runner.type === 'script') return instanceEnvironment(spec, ref, ports, daemonEnvironment, injection);
  const environment = await instanceEnvironment(spec, ref, ports, {}, injection);
  const { HIVE_SERVICE_FQN = '', HIVE_INSTANCE = '' } = environment;
  return { ...environment, ...runnerEnvironment(spec.runner, { ports, uses: injection.usedPorts }), HIVE_SERVICE_FQN, HIVE_INSTANCE };
}

export function watchedInstance(spec: ServiceSpec, ref: InstanceRef, ports: Ports, environment: Record<string, string>, startedAtMonotonicMs: number, knownHealthy: boolean | null, uses: Injection['usedPorts'], inside: Pick<WatchedInstance, 'endpoints' | 'exec'>): WatchedInstance {
  return { ...inside, ref, ports, environment, startedAtMonotonicMs, knownHealthy, checks: spec.healthcheck.map((check) => filledIn(check, { ports, uses })) };
}

function filledIn(check: HealthCheckSpec, values: RuntimeValues): HealthCheckSpec {
  switch (check.type) {
    case 'http':
      return { ...check, path: resolveRuntime(check.path, values) };
    case 'cmd':
      return { ...check, command: resolveRuntime(check.command, values) };
    case 'tcp':
      return check;
  }
}
