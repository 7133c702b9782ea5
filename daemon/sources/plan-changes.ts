import { isDeepStrictEqual } from 'node:util';
import type { RolloutSpec, ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import type { Change } from '../../shared/protocol/results.js';

/**
 * What a change of a field costs a service that runs: `nothing` until the next start or deploy, a `live` change of the
 * running instances, or a new instance (`replace`).
 */
type Cost = 'nothing' | 'live' | 'replace';

/** Every part of a spec that can differ, by the name it has in a configuration; what is not here belongs to no field. */
const fieldCosts = {
  runner: { cost: 'replace', of: (spec) => spec.runner },
  environment: { cost: 'replace', of: (spec) => spec.environment },
  'rollout.ports': { cost: 'replace', of: (spec) => spec.rollout.ports },
  build: { cost: 'replace', of: (spec) => spec.build },
  limits: { cost: 'replace', of: (spec) => spec.limits },
  uses: { cost: 'replace', of: (spec) => spec.uses },
  rollout: { cost: 'nothing', of: (spec) => withoutPorts(spec.rollout) },
  proxy: { cost: 'live', of: (spec) => spec.proxy },
  healthcheck: { cost: 'live', of: (spec) => spec.healthcheck },
  depends_on: { cost: 'live', of: (spec) => spec.dependsOn },
  restart: { cost: 'live', of: (spec) => spec.restart },
  hooks: { cost: 'live', of: (spec) => spec.hooks },
  expose: { cost: 'live', of: (spec) => spec.expose },
  instances: { cost: 'live', of: (spec) => spec.instances },
  scale: { cost: 'live', of: (spec) => spec.scale },
  stop: { cost: 'live', of: (spec) => spec.stop },
  logs: { cost: 'live', of: (spec) => spec.logs },
  labels: { cost: 'nothing', of: (spec) => spec.labels },
} as const satisfies Record<string, { cost: Cost; of: (spec: ServiceSpec) => unknown }>;

const fields = Object.entries(fieldCosts) as [string, { cost: Cost; of: (spec: ServiceSpec) => unknown }][];

/**
 * The difference between two readings of a source, service by service, in the order of the new one and then what is gone.
 * A service whose spec hash is the same is left out. `null` stands for a source that is not there.
 *
 * `replace` follows the instance hash, which is also what decides whether a running instance may stay; `none` is a change
 * that waits for the next start or deploy.
 */
export function planChanges(before: SourceSpec | null, after: SourceSpec | null): Change[] {
  const old = new Map((before?.services ?? []).map((spec) => [spec.name, spec]));
  const changes: Change[] = [];
  for (const spec of after?.services ?? []) {
    const previous = old.get(spec.name);
    old.delete(spec.name);
    if (previous === undefined) changes.push({ service: spec.fqn, action: 'add', fields: [] });
    else if (previous.specHash !== spec.specHash) changes.push(changeOf(previous, spec));
  }
  for (const gone of old.values()) changes.push({ service: gone.fqn, action: 'remove', fields: [] });
  return changes;
}

function changeOf(before: ServiceSpec, after: ServiceSpec): Change {
  const different = fields.filter(([, { of }]) => !isDeepStrictEqual(of(before), of(after)));
  const names = different.map(([name]) => name);
  const costs = new Set<Cost>(different.map(([, { cost }]) => cost));
  const newInstance = before.instanceHash !== after.instanceHash;
  // Equal fields and another hash: the content of a file that the environment is read from.
  if (newInstance && names.length === 0) names.push('environment');
  if (newInstance || costs.has('replace')) return { service: after.fqn, action: 'replace', fields: names };
  return { service: after.fqn, action: costs.has('live') ? 'live' : 'none', fields: names };
}

/** Tells whether two readings differ in what belongs to the source itself: front door, hooks, plugin settings and so on. */
export function sourceItselfChanged(before: SourceSpec | null, after: SourceSpec | null): boolean {
  if (before === null || after === null) return before !== after;
  const { services: _before, ...own } = before;
  const { services: _after, ...other } = after;
  return !isDeepStrictEqual(own, other);
}

function withoutPorts(rollout: RolloutSpec): unknown {
  const { ports: _, ...rest } = rollout;
  return rest;
}
