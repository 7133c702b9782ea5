import type { z as zod } from 'zod';

type Z = typeof zod;

/**
 * Result shapes of the protocol (docs/protocol.md). Each is a function of zod, so that a client can use the types
 * without loading zod at run time; the daemon and the tests call the function with the real one.
 */

export const serviceStates = [
  'stopped', 'waiting', 'building', 'starting', 'running', 'stopping', 'backoff', 'failed', 'completed',
] as const;
export type ServiceState = (typeof serviceStates)[number];

export const pluginStates = [
  'starting', 'ready', 'unresponsive', 'backoff', 'quarantined', 'failed', 'disabled', 'stopped',
] as const;
export type PluginState = (typeof pluginStates)[number];

const time = (z: Z) => z.iso.datetime();
const portsByName = (z: Z) => z.record(z.string(), z.number().int());

export const lastExit = (z: Z) =>
  z.object({
    code: z.number().int().nullable(),
    signal: z.string().nullable(),
    at: time(z),
    unknown: z.string().optional().describe('Why the exit result could not be known; then code and signal are null.'),
  });
export type LastExit = zod.infer<ReturnType<typeof lastExit>>;

export const instance = (z: Z) =>
  z.object({
    id: z.string().describe('source:service#1'),
    state: z.enum(serviceStates),
    healthy: z.boolean().nullable().describe('null: no health check, or no verdict yet.'),
    pid: z.number().int().optional(),
    containerId: z.string().optional(),
    node: z.string().optional(),
    startedAt: time(z).nullable(),
    ports: portsByName(z),
    restarts: z.number().int(),
    lastExit: lastExit(z).optional(),
  });
export type Instance = zod.infer<ReturnType<typeof instance>>;

export const scale = (z: Z) =>
  z.object({
    instances: z.number().int().describe('How many are wanted now.'),
    min: z.number().int(),
    max: z.number().int(),
    cpuUp: z.number().describe('Fraction of one core, as the other cpu figures.'),
    cpuDown: z.number(),
    memoryUpBytes: z.number().nullable(),
    memoryDownBytes: z.number().nullable(),
    cooldownUpMs: z.number(),
    cooldownDownMs: z.number(),
  });
export type Scale = zod.infer<ReturnType<typeof scale>>;

export const service = (z: Z) =>
  z.object({
    fqn: z.string(),
    source: z.string(),
    name: z.string(),
    runner: z.string(),
    state: z.enum(serviceStates),
    healthy: z.boolean().nullable(),
    wanted: z.enum(['up', 'down']),
    reason: z.string().describe('One sentence: why the service is in this state.'),
    specHash: z.string(),
    restarts: z.number().int(),
    startedAt: time(z).nullable(),
    ports: portsByName(z),
    routes: z.array(z.string()),
    instances: z.array(instance(z)),
    scale: scale(z).optional().describe('What the autoscaler goes by; absent: nobody but people scale it.'),
    rollout: z.object({ type: z.string(), color: z.string().optional(), phase: z.string().optional() }),
  });
export type Service = zod.infer<ReturnType<typeof service>>;

export const problem = (z: Z) =>
  z.object({
    file: z.string(),
    line: z.number().int(),
    column: z.number().int(),
    message: z.string(),
    offendingLine: z.string().optional(),
    expected: z.string().optional(),
    suggestion: z.string().optional(),
  });

export const source = (z: Z) =>
  z.object({
    name: z.string(),
    kind: z.enum(['yaml', 'sqlite']),
    path: z.string(),
    enabled: z.boolean(),
    status: z.enum(['loaded', 'error', 'disabled']),
    problems: z.array(problem(z)),
    services: z.number().int(),
    revision: z.number().int(),
  });
export type Source = zod.infer<ReturnType<typeof source>>;

export const change = (z: Z) =>
  z.object({
    service: z.string(),
    action: z.enum(['add', 'remove', 'live', 'replace', 'none']).describe('live: changed in place; replace: needs a new instance.'),
    fields: z.array(z.string()),
  });
export type Change = zod.infer<ReturnType<typeof change>>;

export const status = (z: Z) =>
  z.object({
    version: z.string(),
    pid: z.number().int(),
    home: z.string(),
    uptimeMs: z.number(),
    sources: z.number().int(),
    services: z.object({
      running: z.number().int(),
      total: z.number().int(),
      byState: z.record(z.string(), z.number().int()),
    }),
    proxy: z.array(z.string()),
    journal: z.object({ epoch: z.string(), seq: z.number().int() }),
    plugins: z.object({ ready: z.number().int(), total: z.number().int() }),
  });
export type Status = zod.infer<ReturnType<typeof status>>;

export const logLine = (z: Z) =>
  z.object({
    fqn: z.string(),
    instance: z.string(),
    time: time(z),
    stream: z.enum(['stdout', 'stderr', 'hook']),
    level: z.string(),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()).optional(),
  });
export type LogLine = zod.infer<ReturnType<typeof logLine>>;

export const stats = (z: Z) =>
  z.object({
    fqn: z.string(),
    instance: z.string(),
    cpu: z.number().describe('Fraction of one core.'),
    memoryBytes: z.number(),
    openFiles: z.number().int(),
    threads: z.number().int(),
    uptimeMs: z.number(),
  });
export type Stats = zod.infer<ReturnType<typeof stats>>;

export const hostStats = (z: Z) =>
  z.object({ cpu: z.number().describe('Cores in use.'), cores: z.number().int(), memoryBytes: z.number(), memoryTotalBytes: z.number() });
export type HostStats = zod.infer<ReturnType<typeof hostStats>>;

export const plugin = (z: Z) =>
  z.object({
    id: z.string(),
    version: z.string().nullable(),
    kind: z.enum(['core', 'external']),
    state: z.enum(pluginStates),
    pid: z.number().int().nullable(),
    cpu: z.number().nullable(),
    memoryBytes: z.number().nullable(),
    restarts: z.number().int(),
    lagEvents: z.number().int().nullable(),
    lastAck: z.number().int().nullable(),
    grants: z.array(z.string()),
    reason: z.string(),
  });
export type Plugin = zod.infer<ReturnType<typeof plugin>>;

export const revision = (z: Z) =>
  z.object({ revision: z.number().int(), time: time(z), action: z.enum(['create', 'update', 'delete', 'rollback']), config: z.unknown() });
export type Revision = zod.infer<ReturnType<typeof revision>>;

export const endpoint = (z: Z) =>
  z.object({
    id: z.string().describe('One life of an instance; a restarted instance is another endpoint.'),
    address: z.string(),
    port: z.number().int(),
  });
export type Endpoint = zod.infer<ReturnType<typeof endpoint>>;

export const route = (z: Z) =>
  z.object({
    id: z.string(),
    host: z.string().nullable().describe('null: any host.'),
    path: z.string(),
    service: z.string(),
    stripPrefix: z.boolean(),
    timeoutMs: z.number(),
    headers: z.object({ add: z.record(z.string(), z.string()), remove: z.array(z.string()) }),
    endpoints: z.array(endpoint(z)),
    reason: z.string().nullable().describe('Why there is no endpoint; null when there is one.'),
  });
export type Route = zod.infer<ReturnType<typeof route>>;

export const routeTable = (z: Z) =>
  z.object({
    version: z.number().int().describe('Grows with every change.'),
    bind: z.array(z.string()).describe('Where the front door listens: host:port.'),
    routes: z.array(route(z)),
  });
export type RouteTable = zod.infer<ReturnType<typeof routeTable>>;

const saidName = (z: Z) => z.string().regex(/^[a-z][a-z0-9-]*:(\*|[a-z][a-z0-9_-]*)$/).describe('source:service, or source:* for what was said of a whole source.');
const saidFqn = (z: Z) => z.string().regex(/^[a-z][a-z0-9-]*:[a-z][a-z0-9_-]*$/);
const wanted = (z: Z) => z.enum(['up', 'down']);
const instances = (z: Z) => z.number().int().min(0).max(10_000);
const pluginChoices = (z: Z) => z.array(z.strictObject({ plugin: z.string(), choice: z.enum(['default', 'enabled', 'disabled']).describe('What was decided by hand; default: nothing.') }));

/** What an operator has said, apart from configuration: what state.export answers. */
export const carriedState = (z: Z) => ({
  intents: z.array(z.strictObject({ name: saidName(z), wanted: wanted(z) })),
  scales: z.array(z.strictObject({ fqn: saidFqn(z), instances: instances(z) })),
  plugins: pluginChoices(z),
});

/** The same as state.import takes it. */
export const takenState = (z: Z) => ({
  intents: z.array(z.strictObject({ name: saidName(z), wanted: wanted(z).nullable().describe('null: what was said is taken back.') })),
  scales: z.array(z.strictObject({ fqn: saidFqn(z), instances: instances(z).nullable().describe('null: the configuration decides again.') })),
  plugins: pluginChoices(z),
});

/** How a source is registered, for state.export. */
export const registration = (z: Z) =>
  z.object({ name: z.string(), kind: z.enum(['yaml', 'sqlite']), path: z.string(), enabled: z.boolean(), revision: z.number().int() });
