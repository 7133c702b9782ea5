import { checkFields } from './check-fields.js';
import { nodeAt, spanAt, type ConfigNode, type ConfigPath, type MapNode, type Span } from './config-node.js';
import { checkTimingIsSaidOnce } from './check-health-timing.js';
import { applyDefaults } from './defaults.js';
import { nameProblem } from './names.js';
import type { ProblemList } from './problem-list.js';
import { serviceSchema, type ServiceConfig, type ServiceField } from './service-config.js';
import type { HostPort } from './service-spec.js';

/** A service between the schema and its spec: what is right about it so far, and where it was written. */
export interface ServiceDraft {
  readonly name: string;
  readonly path: ConfigPath;
  readonly node: ConfigNode;
  readonly config: Partial<ServiceConfig>;
  readonly wrong: ReadonlySet<string>;
}

export function draftService(name: string, written: ConfigNode, keySpan: Span, defaults: MapNode | null, problems: ProblemList): ServiceDraft {
  const path = ['services', name];
  const badName = nameProblem('service', name);
  if (badName !== null) problems.add({ span: keySpan, path, code: 'INVALID_VALUE', message: badName, expected: 'a name such as web or job_2' });
  checkTimingIsSaidOnce(name, written, problems);
  const whole = written.kind === 'map' ? applyDefaults(written, defaults) : written;
  const checked = checkFields(serviceSchema, whole, path, problems);
  return { name, path, node: checked.node ?? whole, config: checked.fields, wrong: checked.wrong };
}

/** Where `field…` of the service was written. */
export function spanOf(draft: ServiceDraft, below: ConfigPath, point: 'key' | 'value' = 'value'): Span {
  return spanAt(draft.node, below, point);
}

export function pathOf(draft: ServiceDraft, below: ConfigPath): ConfigPath {
  return [...draft.path, ...below];
}

/** Whether the field is neither there nor misspelt: only then may its absence be reported. */
export function lacks(draft: ServiceDraft, field: ServiceField): boolean {
  return !draft.wrong.has(field) && nodeAt(draft.node, [field]) === null;
}

/** A port as declared: one number, or one for each colour. */
export interface DeclaredPort {
  readonly name: string;
  readonly host: HostPort;
  /** Below the service. */
  readonly path: ConfigPath;
}

/** The declared ports, or null when `rollout` is wrong and nobody can tell. */
export function portsOf(draft: ServiceDraft): DeclaredPort[] | null {
  if (draft.wrong.has('rollout')) return null;
  const { rollout } = draft.config;
  if (rollout === undefined) return [];
  const at = (name: string): ConfigPath => ['rollout', rollout.type, 'ports', name];
  if (rollout.type !== 'blue-green') return Object.entries(rollout.settings.ports).map(([name, host]) => ({ name, host, path: at(name) }));
  return Object.entries(rollout.settings.ports).flatMap(([name, pair]): DeclaredPort[] => {
    if (pair === 'auto') return [{ name, host: 'auto', path: at(name) }];
    return (['blue', 'green'] as const).map((colour) => ({ name, host: pair[colour], path: [...at(name), colour] }));
  });
}

export function portNamesOf(draft: ServiceDraft): string[] | null {
  const ports = portsOf(draft);
  return ports === null ? null : [...new Set(ports.map((port) => port.name))];
}

/** The items of a field that is one thing or a list of them, each with its place below the service. */
export function itemsOf(draft: ServiceDraft, field: 'proxy' | 'healthcheck'): { node: ConfigNode; path: ConfigPath }[] {
  const node = nodeAt(draft.node, [field]);
  if (node === null) return [];
  return node.kind === 'list' ? node.items.map((item, index) => ({ node: item, path: [field, index] })) : [{ node, path: [field] }];
}
