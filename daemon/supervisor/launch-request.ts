import { readProviders, resolveEnvironment } from '../../shared/config/resolve-environment.js';
import { resolveRuntime, type RuntimeValues } from '../../shared/config/runtime-template.js';
import type { HealthCheckSpec, ServiceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { WatchedInstance } from '../health/health-monitor.js';
import type { LogPaths } from '../logs/log-paths.js';
import type { InstanceRef, LaunchRequest } from '../runner/runner.js';
import type { Injection } from '../sharing/sharing.js';
import type { ScriptCommand } from '../runner/script/script-command.js';

type Ports = Readonly<Record<string, number>>;

/** What an incarnation is started with: the spec with every template filled in. */
export function launchRequest(
  spec: ServiceSpec,
  facts: { ref: InstanceRef; incarnation: string; ports: Ports; environment: Record<string, string>; paths: LogPaths; injection: Injection },
): LaunchRequest<ScriptCommand> {
  const { runner } = spec;
  if (runner.type !== 'script') throw new HiveError('NOT_SUPPORTED', `The runner ${runner.type} is not supported yet.`);
  const { ref, incarnation, ports, environment, paths, injection } = facts;
  return {
    ref,
    incarnation,
    command: { run: resolveRuntime(runner.run, { ports, uses: injection.usedPorts }), shell: runner.shell },
    environment,
    workingDirectory: runner.workingDir,
    stdoutPath: paths.stdoutPath,
    stderrPath: paths.stderrPath,
  };
}

/** The whole environment of an instance; see docs/configuration.md for the order of precedence. */
export async function instanceEnvironment(spec: ServiceSpec, ref: InstanceRef, ports: Ports, daemonEnvironment: Readonly<Record<string, string>>, injection: Injection): Promise<Record<string, string>> {
  const provided = await readProviders(spec.environment);
  return resolveEnvironment({ spec, instance: ref.number, ports, provided, daemonEnvironment, ...injection });
}

export function watchedInstance(spec: ServiceSpec, ref: InstanceRef, ports: Ports, environment: Record<string, string>, startedAtMonotonicMs: number, knownHealthy: boolean | null, uses: Injection['usedPorts']): WatchedInstance {
  return { ref, ports, environment, startedAtMonotonicMs, knownHealthy, checks: spec.healthcheck.map((check) => filledIn(check, { ports, uses })) };
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
