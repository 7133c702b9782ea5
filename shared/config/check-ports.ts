import { nodeAt, type ConfigPath } from './config-node.js';
import { hostPortsOf } from './host-ports.js';
import { nearestName } from './nearest-name.js';
import type { PortReference } from './ports.js';
import type { ProblemList } from './problem-list.js';
import { itemsOf, lacks, pathOf, portsOf, spanOf, type DeclaredPort, type ServiceDraft } from './service-draft.js';
import type { ServiceSpec } from './service-spec.js';
import { usualPortName } from './usual-port.js';

/** Everything about ports that one service can get wrong by itself. */
export function checkPortsOfService(draft: ServiceDraft, problems: ProblemList): void {
  checkRolloutIsThere(draft, problems);
  checkReferences(draft, problems);
  checkVariableNames(draft, problems);
  checkInstancesCanShare(draft, problems);
}

/** The name of the port that a route or check means, or null; `names` and `ports` are those of its service. */
export function resolveReference(reference: PortReference | undefined, ports: readonly Pick<DeclaredPort, 'name' | 'host'>[]): string | null {
  const names = [...new Set(ports.map((port) => port.name))];
  if (reference === undefined) return usualPortName(names);
  if (reference.kind === 'name') return names.includes(reference.name) ? reference.name : null;
  return ports.find((port) => port.host === reference.number)?.name ?? null;
}

interface Reference {
  /** `route`, `http health check`: for the sentence. */
  readonly what: string;
  readonly path: ConfigPath;
  readonly reference: PortReference | undefined;
  readonly mustBeNamed: boolean;
}

function referencesOf(draft: ServiceDraft): Reference[] {
  const routes = draft.config.proxy ?? [];
  const checks = draft.config.healthcheck ?? [];
  const routeItems = itemsOf(draft, 'proxy');
  const checkItems = itemsOf(draft, 'healthcheck');
  return [
    ...routes.map((route, index) => ({
      what: 'route',
      path: routeItems[index]?.path ?? ['proxy'],
      reference: route.port,
      mustBeNamed: routes.length > 1,
    })),
    ...checks.flatMap((check, index): Reference[] => {
      if (check.type === 'cmd') return [];
      const path = [...(checkItems[index]?.path ?? ['healthcheck']), check.type];
      return [{ what: `${check.type} health check`, path, reference: check.settings.port, mustBeNamed: false }];
    }),
  ];
}

function checkRolloutIsThere(draft: ServiceDraft, problems: ProblemList): void {
  if (!lacks(draft, 'rollout')) return;
  const [first] = referencesOf(draft);
  if (first === undefined) return;
  problems.add({
    span: spanOf(draft, first.path, 'key'),
    path: pathOf(draft, first.path),
    code: 'INVALID_VALUE',
    message: `The ${first.what} of service ${draft.name} needs a port, and the service has no rollout that declares one.`,
    expected: 'rollout: {type: recreate, recreate: {ports: {http: 8080}}}',
  });
}

function checkReferences(draft: ServiceDraft, problems: ProblemList): void {
  const ports = portsOf(draft);
  if (ports === null || lacks(draft, 'rollout')) return;
  const names = [...new Set(ports.map((port) => port.name))];
  for (const { what, path, reference, mustBeNamed } of referencesOf(draft)) {
    const portPath = [...path, 'port'];
    if (reference === undefined && (mustBeNamed || usualPortName(names) === null)) {
      const why = mustBeNamed ? 'in a list of routes each names its port' : names.length === 0 ? 'the service has no ports' : `the service has several: ${names.join(', ')}`;
      problems.add({
        span: spanOf(draft, path),
        path: pathOf(draft, portPath),
        code: 'INVALID_VALUE',
        message: `This ${what} of service ${draft.name} needs port: ${why}.`,
        expected: names.length === 0 ? 'a port in rollout' : `port: one of ${names.join(', ')}`,
      });
      continue;
    }
    // A template that names no port is reported with all other templates.
    const written = nodeAt(draft.node, portPath);
    if (reference === undefined || (written?.kind === 'scalar' && written.written.includes('{{runtime.port.'))) continue;
    if (resolveReference(reference, ports) !== null) continue;
    const said = reference.kind === 'name' ? `"${reference.name}"` : String(reference.number);
    const near = reference.kind === 'name' ? nearestName(reference.name, names) : null;
    problems.add({
      span: spanOf(draft, portPath),
      path: pathOf(draft, portPath),
      code: 'UNKNOWN_NAME',
      message: `Service ${draft.name} has no port ${said} in its rollout${near === null ? '.' : `: did you mean ${near}?`}`,
      expected: names.length === 0 ? 'a port in rollout' : `one of ${names.join(', ')}`,
      ...(near === null ? {} : { suggestion: near }),
    });
  }
}

/** `http-api` and `http_api` would both be PORT_HTTP_API. */
function checkVariableNames(draft: ServiceDraft, problems: ProblemList): void {
  const seen = new Map<string, string>();
  for (const { name, path } of portsOf(draft) ?? []) {
    const variable = name.replaceAll('-', '_');
    const other = seen.get(variable);
    if (other !== undefined && other !== name) {
      problems.add({
        span: spanOf(draft, path, 'key'),
        path: pathOf(draft, path),
        code: 'CONFLICT',
        message: `Ports ${other} and ${name} of service ${draft.name} would both be the variable PORT_${variable.toUpperCase()}.`,
      });
    }
    seen.set(variable, name);
  }
}

function checkInstancesCanShare(draft: ServiceDraft, problems: ProblemList): void {
  const { instances, scale, runner } = draft.config;
  if (scale !== undefined && instances !== undefined && (instances < scale.min || instances > scale.max)) {
    problems.add({
      span: spanOf(draft, ['instances']),
      path: pathOf(draft, ['instances']),
      code: 'INVALID_VALUE',
      message: `instances of service ${draft.name} (${instances}) is outside of scale, which goes from ${scale.min} to ${scale.max}.`,
    });
  }
  const most = Math.max(instances ?? 1, scale?.max ?? 1);
  // A swarm publishes one port for all tasks of a service.
  if (most <= 1 || runner?.type === 'swarm') return;
  const fixed = portsOf(draft)?.find((port) => port.host !== 'auto');
  if (fixed === undefined) return;
  problems.add({
    span: spanOf(draft, fixed.path),
    path: pathOf(draft, fixed.path),
    code: 'CONFLICT',
    message: `Port ${fixed.name} of service ${draft.name} is ${fixed.host}, which ${most} instances cannot share.`,
    expected: 'auto, which gives each instance a port of its own',
    suggestion: 'auto',
  });
}

/** A host port belongs to one service, and to one of its ports. */
export function checkPortsAreUnique(drafts: readonly ServiceDraft[], siblings: readonly ServiceSpec[], problems: ProblemList): void {
  const owners = new Map<number, string>();
  for (const sibling of siblings) {
    for (const { name, host } of hostPortsOf(sibling.rollout)) {
      if (host !== 'auto') owners.set(host, `port ${name} of service ${sibling.name}`);
    }
  }
  for (const draft of drafts) {
    for (const { name, host, path } of portsOf(draft) ?? []) {
      if (host === 'auto') continue;
      const owner = owners.get(host);
      if (owner === undefined) {
        owners.set(host, `port ${name} of service ${draft.name}`);
        continue;
      }
      problems.add({
        span: spanOf(draft, path),
        path: pathOf(draft, path),
        code: 'CONFLICT',
        message: `Host port ${host} for port ${name} of service ${draft.name} is taken by ${owner}.`,
        expected: 'a port of its own, or auto',
      });
    }
  }
}

