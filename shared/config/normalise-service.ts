import { normaliseBuild } from './build.js';
import { resolveReference } from './check-ports.js';
import { normaliseDependsOn } from './depends-on.js';
import { normaliseEnvironment } from './environment.js';
import { normaliseHealthCheck } from './healthcheck.js';
import { normaliseHooks } from './hooks.js';
import { hostPortsOf } from './host-ports.js';
import { normaliseLimits } from './limits.js';
import { normaliseLogs } from './logs.js';
import { formatFqn } from './names.js';
import type { PortReference } from './ports.js';
import { normaliseRoute } from './proxy.js';
import { normaliseRestart } from './restart.js';
import { normaliseRollout } from './rollout.js';
import { normaliseRunner } from './runners.js';
import { normaliseScale } from './scale.js';
import type { ServiceConfig } from './service-config.js';
import type { EnvironmentSpec, ServiceSpec } from './service-spec.js';
import { normaliseExpose, normaliseUses } from './sharing.js';
import { deepFreeze, hashOf } from './spec-hash.js';
import { normaliseStop } from './stop.js';

export interface ServiceContext {
  readonly source: string;
  readonly projectRoot: string;
  readonly sourceEnvironment: EnvironmentSpec;
}

/** What a checked service means, with every default filled in. Only for configurations that passed all checks. */
export function normaliseService(name: string, config: ServiceConfig, context: ServiceContext): ServiceSpec {
  const { source, projectRoot } = context;
  const runner = normaliseRunner(config.runner, projectRoot);
  const rollout = normaliseRollout(config.rollout);
  const where = { projectRoot, workingDir: runner.type === 'script' ? runner.workingDir : projectRoot };
  const ports = hostPortsOf(rollout);
  const portName = (reference: PortReference | undefined) => resolveReference(reference, ports) ?? '';
  const scale = normaliseScale(config.scale, config.limits?.memory);
  const spec = {
    source,
    name,
    fqn: formatFqn({ source, service: name }),
    projectRoot,
    runner,
    rollout,
    proxy: (config.proxy ?? []).map((route) => normaliseRoute(route, portName(route.port))),
    healthcheck: (config.healthcheck ?? []).map((check) => normaliseHealthCheck(check, where, portName)),
    dependsOn: normaliseDependsOn(config.depends_on),
    environment: { service: normaliseEnvironment(config.environment, projectRoot), source: context.sourceEnvironment },
    build: normaliseBuild(config.build, where),
    restart: normaliseRestart(config.restart),
    hooks: normaliseHooks(config.hooks, where),
    expose: normaliseExpose(config.expose),
    uses: normaliseUses(config.uses),
    instances: config.instances ?? scale?.min ?? 1,
    scale,
    stop: normaliseStop(config.stop),
    limits: normaliseLimits(config.limits),
    logs: normaliseLogs(config.logs),
    labels: config.labels ?? {},
  };
  return deepFreeze({ ...spec, specHash: hashOf(spec), instanceHash: hashOf(madeOf(spec)) });
}

/** What a process or container has in it from its start on and cannot be given later. */
function madeOf(spec: Omit<ServiceSpec, 'specHash' | 'instanceHash'>): unknown {
  const { runner, environment, build, uses, limits, fqn } = spec;
  return { fqn, runner, ports: spec.rollout.ports, environment, build, uses, limits };
}
