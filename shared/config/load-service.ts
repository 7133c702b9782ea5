import { nowhere, type ConfigNode } from './config-node.js';
import type { Environment } from './interpolate.js';
import { loadTree } from './load-source.js';
import type { LoadResult } from './problem.js';
import { ProblemList } from './problem-list.js';
import { readValues } from './read-values.js';
import { readYaml } from './read-yaml.js';
import type { ServiceSpec, SourceSpec } from './service-spec.js';

export interface ServiceInput {
  readonly source: string;
  readonly name: string;
  readonly projectRoot: string;
  readonly env: Environment;
  /** The other services of the source; one of the same name is left out of account, since this one replaces it. */
  readonly siblings: readonly ServiceSpec[];
  /** The service as JSON values, or as YAML or JSON text, which gives problems a line. */
  readonly config: { readonly values: unknown } | { readonly text: string; readonly file?: string };
}

/** Loads one service of a source that is not a file: a parameter of services.create or a row of a database. */
export function loadService(input: ServiceInput): LoadResult<ServiceSpec> {
  const { source, name, config } = input;
  const problems = new ProblemList('text' in config ? { kind: 'text', file: config.file ?? `${source}:${name}`, text: config.text } : { kind: 'values', source });
  const service = 'text' in config ? readYaml(config.text, problems) : readValues(config.values, problems, ['services', name]);
  if (service === null) return { ok: false, problems: problems.inOrder() };
  const siblings = input.siblings.filter((sibling) => sibling.name !== name);
  const loaded = loadTree(documentOf([[name, service]]), problems, input, siblings);
  if (!loaded.ok) return loaded;
  const [spec] = loaded.spec.services;
  return spec === undefined ? { ok: false, problems: problems.inOrder() } : { ok: true, spec };
}

export interface ServicesInput {
  readonly source: string;
  readonly projectRoot: string;
  readonly env: Environment;
  /** Name → the service as JSON values. */
  readonly services: Readonly<Record<string, unknown>>;
}

/** Loads all services of a database at once. */
export function loadServices(input: ServicesInput): LoadResult<SourceSpec> {
  const problems = new ProblemList({ kind: 'values', source: input.source });
  const nodes = Object.entries(input.services).map(([name, values]): [string, ConfigNode | null] => [name, readValues(values, problems, ['services', name])]);
  const readable = nodes.filter((entry): entry is [string, ConfigNode] => entry[1] !== null);
  return loadTree(documentOf(readable), problems, input, []);
}

/** A whole document around services that came without one. */
function documentOf(services: readonly (readonly [string, ConfigNode])[]): ConfigNode {
  const map = (entries: readonly (readonly [string, ConfigNode])[]): ConfigNode => ({
    kind: 'map',
    entries: new Map(entries.map(([key, value]) => [key, { keySpan: value.span, value }])),
    span: nowhere,
  });
  return map([
    ['version', { kind: 'scalar', value: '1', written: '1', span: nowhere }],
    ['services', map(services)],
  ]);
}
