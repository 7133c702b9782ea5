import type { RolloutSpec, RunnerSpec, ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';

/** Something of which there is one on the machine and which therefore belongs to one service. */
export interface Claim {
  readonly kind: 'port' | 'route' | 'expose';
  /** Equal keys of one kind are the same thing: `8080`, `example.org/api`, `shared-postgres`. */
  readonly key: string;
  /** A service's full name, or the front door of a source. */
  readonly owner: string;
  readonly service: string | null;
  /** Where the configuration says so, for pointing at its line. */
  readonly path: readonly (string | number)[];
}

export interface Conflict {
  readonly claim: Claim;
  /** Who had it first. */
  readonly holder: Claim;
}

/**
 * What `candidate` wants that belongs to a service of `others`, or twice to services of its own. Empty: it may go live.
 */
export function findConflicts(candidate: SourceSpec, others: Iterable<SourceSpec>): Conflict[] {
  const held = new Map<string, Claim>();
  for (const other of others) {
    if (other.name === candidate.name) continue;
    for (const claim of claimsOf(other)) held.set(`${claim.kind} ${claim.key}`, claim);
  }
  const conflicts: Conflict[] = [];
  for (const claim of claimsOf(candidate)) {
    const id = `${claim.kind} ${claim.key}`;
    const holder = held.get(id);
    if (holder === undefined) held.set(id, claim);
    else if (holder.owner !== claim.owner) conflicts.push({ claim, holder });
  }
  return conflicts;
}

/** The conflict as a sentence that names both sides. */
export function describeConflict({ claim, holder }: Conflict): string {
  const what = {
    port: `The host port ${claim.key}`,
    route: `The route ${claim.key}`,
    expose: `The expose name "${claim.key}"`,
  }[claim.kind];
  return `${what} is wanted by ${claim.owner} and belongs to ${holder.owner}.`;
}

function* claimsOf(source: SourceSpec): Generator<Claim> {
  for (const [index, address] of (source.proxy?.bind ?? []).entries()) {
    const port = /:(\d+)$/.exec(address)?.[1];
    if (port !== undefined && port !== '0') {
      yield { kind: 'port', key: port, owner: `the front door of source ${source.name}`, service: null, path: ['proxy', 'bind', index] };
    }
  }
  for (const spec of source.services) yield* claimsOfService(spec);
}

function* claimsOfService(spec: ServiceSpec): Generator<Claim> {
  const by = { owner: spec.fqn, service: spec.name };
  const at = ['services', spec.name];
  for (const { port, path } of fixedPorts(spec.rollout)) yield { kind: 'port', key: String(port), ...by, path: [...at, 'rollout', spec.rollout.type, 'ports', ...path] };
  for (const { port, path } of publishedPorts(spec.runner)) yield { kind: 'port', key: port, ...by, path: [...at, 'runner', spec.runner.type, 'ports', ...path] };
  for (const route of spec.proxy) yield { kind: 'route', key: `${route.host ?? '*'}${route.path}`, ...by, path: [...at, 'proxy'] };
  if (spec.expose !== null) yield { kind: 'expose', key: spec.expose.name, ...by, path: [...at, 'expose', 'name'] };
}

function fixedPorts(rollout: RolloutSpec): { port: number; path: string[] }[] {
  const numbers = (port: number | 'auto', path: string[]) => (port === 'auto' ? [] : [{ port, path }]);
  switch (rollout.type) {
    case 'recreate':
    case 'rolling':
      return Object.entries(rollout.ports).flatMap(([name, port]) => numbers(port, [name]));
    case 'blue-green':
      return Object.entries(rollout.ports).flatMap(([name, { blue, green }]) => [...numbers(blue, [name, 'blue']), ...numbers(green, [name, 'green'])]);
  }
}

/** Host ports written as digits in a container's `ports`; templates are ports of the rollout and counted there. */
function publishedPorts(runner: RunnerSpec): { port: string; path: number[] }[] {
  switch (runner.type) {
    case 'docker':
    case 'podman':
    case 'swarm':
      return runner.ports.flatMap((text, index) => {
        const port = /^(?:[\d.]+:|\[[^\]]*\]:)?(\d+):\d+(?:\/tcp)?$/.exec(text)?.[1];
        return port === undefined ? [] : [{ port, path: [index] }];
      });
    case 'script':
    case 'compose':
      return [];
  }
}
