import { readFile } from 'node:fs/promises';
import { HiveError } from '../errors/hive-error.js';
import { parseDotenv } from './dotenv.js';
import { usualPortName } from './usual-port.js';
import { resolveRuntime } from './runtime-template.js';
import { systemErrorCode } from './system-error.js';
import type { EnvironmentProvider, EnvironmentSpec, ServiceSpec } from './service-spec.js';

/** What of the daemon's own environment a service gets: what programs need to find their user, language and files. */
export const inheritedVariables: readonly string[] = [
  'HOME', 'LANG', 'LANGUAGE', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME',
];

type Variables = Readonly<Record<string, string>>;

export interface InstanceEnvironment {
  readonly spec: Pick<ServiceSpec, 'fqn' | 'environment'>;
  /** The instance's number, counting from 1. */
  readonly instance: number;
  readonly ports: Readonly<Record<string, number>>;
  /** What each provider gave, in the order of the spec: see `readProviders`. */
  readonly provided: { readonly service: readonly Variables[]; readonly source: readonly Variables[] };
  /** What `uses` injects, already renamed. */
  readonly used?: Variables;
  readonly usedPorts?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly daemonEnvironment: Readonly<Record<string, string | undefined>>;
}

/**
 * The whole environment of one instance. Highest first: the service's static variables, its providers (later beats
 * earlier), the source's static variables, its providers, what `uses` injects, the ports, the allowed part of the daemon's
 * environment. HIVE_SERVICE_FQN and HIVE_INSTANCE say who the instance is and cannot be overridden.
 */
export function resolveEnvironment(input: InstanceEnvironment): Record<string, string> {
  const { spec, provided, ports } = input;
  const values = { ports, ...(input.usedPorts === undefined ? {} : { uses: input.usedPorts }) };
  const lowestFirst: Variables[] = [
    inherited(input.daemonEnvironment),
    portVariables(ports),
    input.used ?? {},
    ...provided.source,
    fill(spec.environment.source.static, values),
    ...provided.service,
    fill(spec.environment.service.static, values),
    { HIVE_SERVICE_FQN: spec.fqn, HIVE_INSTANCE: String(input.instance) },
  ];
  return Object.fromEntries(lowestFirst.flatMap((layer) => Object.entries(layer)));
}

/** `PORT` (the port named http, or the only one), `PORT_<NAME>` and `HIVE_PORT_<NAME>`. */
export function portVariables(ports: Readonly<Record<string, number>>): Record<string, string> {
  const variables: Record<string, string> = {};
  const usual = usualPortName(Object.keys(ports));
  if (usual !== null) variables['PORT'] = String(ports[usual]);
  for (const [name, port] of Object.entries(ports)) {
    const suffix = name.toUpperCase().replaceAll('-', '_');
    variables[`PORT_${suffix}`] = String(port);
    variables[`HIVE_PORT_${suffix}`] = String(port);
  }
  return variables;
}

/** Runs the providers of a service and its source. Throws INVALID_CONFIG naming the file that is missing or wrong. */
export async function readProviders(environment: ServiceSpec['environment']): Promise<InstanceEnvironment['provided']> {
  return { service: await readAll(environment.service), source: await readAll(environment.source) };
}

async function readAll(environment: EnvironmentSpec): Promise<Variables[]> {
  return Promise.all(environment.providers.map((provider) => readProvider(provider)));
}

async function readProvider(provider: EnvironmentProvider): Promise<Variables> {
  const files = await Promise.all(provider.files.map(async (file) => parseDotenv(await readDotenv(file), file)));
  return Object.fromEntries(files.flatMap((variables) => Object.entries(variables)));
}

async function readDotenv(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = systemErrorCode(error) === 'ENOENT';
    throw new HiveError('INVALID_CONFIG', `The environment file ${file} ${missing ? 'does not exist' : 'cannot be read'}.`, {
      next: 'Make the file, or take it off environment.dotenv.files.',
      data: { file },
      cause: error,
    });
  }
}

function inherited(daemon: Readonly<Record<string, string | undefined>>): Variables {
  const isAllowed = (name: string) => inheritedVariables.includes(name) || name.startsWith('LC_');
  const entries = Object.entries(daemon).filter((entry): entry is [string, string] => entry[1] !== undefined && isAllowed(entry[0]));
  return Object.fromEntries(entries);
}

function fill(variables: Variables, values: Parameters<typeof resolveRuntime>[1]): Variables {
  return Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, resolveRuntime(text, values)]));
}
