import type { z as zod } from 'zod';
import type { Need } from './grants.js';
import * as shape from './results.js';
import { eventTypes } from './events.js';

type Z = typeof zod;

/**
 * One method of the protocol. From this row derive the typed client, the daemon's validation, the permission check and
 * docs/protocol.md.
 */
export interface MethodRow {
  /** Name of the method of DaemonClient. */
  client: string;
  /** One line for the reference page. */
  doc: string;
  /** What the call needs; null: nothing. Receives validated params. */
  need: (params: never) => Need | null;
  /** How the needed grant is written in the reference page. */
  needDoc: string;
  params: (z: Z) => zod.ZodType;
  result: (z: Z) => zod.ZodType;
}

const method = <const C extends string, P extends zod.ZodType, R extends zod.ZodType>(row: {
  client: C;
  doc: string;
  needDoc: string;
  need: (params: NoInfer<zod.output<P>>) => Need | null;
  params: (z: Z) => P;
  result: (z: Z) => R;
}): typeof row => row;

const nothing = (z: Z) => z.strictObject({});
const done = (z: Z) => z.object({});

const open = () => null;
const read = (): Need => ({ grant: 'read' });
const admin = (): Need => ({ grant: 'admin' });
const sourcesWrite = (): Need => ({ grant: 'sources:write' });
const eventsRead = (): Need => ({ grant: 'events:read' });
const routes = (): Need => ({ grant: 'routes' });
const stateExport = (): Need => ({ grant: 'state:export' });

const sourceOf = (fqn: string): string => fqn.split(':')[0] ?? '';
const write = (p: { fqn: string }): Need => ({ grant: 'services:write', target: sourceOf(p.fqn) });
const control = (p: { fqn: string }): Need => ({ grant: 'services:control', target: p.fqn });
const controlEither = (p: { fqn?: string | undefined; source?: string | undefined }): Need => ({
  grant: 'services:control',
  target: p.fqn ?? `${p.source ?? ''}:*`,
});
const logsRead = (p: { fqn?: string | undefined }): Need => ({ grant: 'logs:read', target: p.fqn ?? '*:*' });

const name = (z: Z) => z.strictObject({ name: z.string() });
const fqn = (z: Z) => z.strictObject({ fqn: z.string() });
const fqnOrSource = (z: Z) =>
  z.strictObject({ fqn: z.string().optional(), source: z.string().optional() })
    .refine((p) => (p.fqn === undefined) !== (p.source === undefined), 'give either fqn or source');
const plugin = (z: Z) => z.strictObject({ plugin: z.string() });
const actedOn = (z: Z) => z.object({ services: z.array(shape.service(z)) });
const eventType = (z: Z) => z.enum(Object.keys(eventTypes) as [keyof typeof eventTypes]).or(z.string().regex(/^[a-z]+\.\*$/));
const eventFilter = (z: Z) => ({ types: z.array(eventType(z)).optional(), services: z.array(z.string()).optional() });
const logQuery = (z: Z) => ({
  fqn: z.string().optional().describe('source:service, source:service#2 or source:*; absent: everything.'),
  lines: z.number().int().min(0).max(100_000).optional().describe('How many of the last lines; default 100.'),
  since: z.iso.datetime().optional(),
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).optional().describe('This level and above.'),
  stream: z.enum(['stdout', 'stderr', 'hook']).optional(),
});
const snapshot = (z: Z) => z.object({ services: z.array(shape.service(z)), sources: z.array(shape.source(z)), plugins: z.array(shape.plugin(z)) });

/** Every method a daemon answers. The order is the order of docs/protocol.md. */
export const methods = {
  'daemon.ping': method({ client: 'ping', doc: 'Answers at once.', needDoc: '–', need: open, params: nothing, result: (z: Z) => z.object({ time: z.iso.datetime() }) }),
  'daemon.status': method({ client: 'status', doc: 'What the daemon is and how much it looks after.', needDoc: 'read', need: read, params: nothing, result: shape.status }),
  'daemon.shutdown': method({
    client: 'shutdown', needDoc: 'admin', need: admin,
    doc: 'Stops the daemon. graceful (default true) stops services in reverse dependency order first; keepServices leaves them running for the next daemon.',
    params: (z: Z) => z.strictObject({ graceful: z.boolean().optional(), keepServices: z.boolean().optional() }),
    result: done,
  }),

  'source.list': method({ client: 'listSources', doc: 'All sources with their status and problems.', needDoc: 'read', need: read, params: nothing, result: (z: Z) => z.object({ sources: z.array(shape.source(z)) }) }),
  'source.add': method({
    client: 'addSource', needDoc: 'sources:write', need: sourcesWrite,
    doc: 'Registers a folder or database; idempotent by path. Its services are wanted down until they are started.',
    params: (z: Z) => z.strictObject({ path: z.string(), name: z.string().optional() }),
    result: shape.source,
  }),
  'source.remove': method({ client: 'removeSource', doc: 'Stops the services of the source, then forgets it.', needDoc: 'sources:write', need: sourcesWrite, params: name, result: shape.source }),
  'source.reload': method({
    client: 'reloadSource', needDoc: 'sources:write', need: sourcesWrite,
    doc: 'Reads the source again and applies what changed; a bad file changes nothing and fails with INVALID_CONFIG.',
    params: name, result: (z: Z) => z.object({ source: shape.source(z), changes: z.array(shape.change(z)) }),
  }),
  'source.enable': method({ client: 'enableSource', doc: 'Takes a disabled source up again.', needDoc: 'sources:write', need: sourcesWrite, params: name, result: shape.source }),
  'source.disable': method({ client: 'disableSource', doc: 'Stops the services of the source and keeps it registered.', needDoc: 'sources:write', need: sourcesWrite, params: name, result: shape.source }),
  'source.start': method({ client: 'startSource', doc: 'Wants every service of the source up.', needDoc: 'services:control:<source>:*', need: (p: { name: string }) => controlEither({ source: p.name }), params: name, result: actedOn }),
  'source.stop': method({ client: 'stopSource', doc: 'Wants every service of the source down.', needDoc: 'services:control:<source>:*', need: (p: { name: string }) => controlEither({ source: p.name }), params: name, result: actedOn }),
  'source.plan': method({ client: 'planSource', doc: 'What a reload would change and what each change costs.', needDoc: 'read', need: read, params: name, result: (z: Z) => z.object({ changes: z.array(shape.change(z)), problems: z.array(shape.problem(z)) }) }),
  'source.text': method({
    client: 'getSourceText', needDoc: 'state:export', need: stateExport,
    doc: 'What a YAML source says as it is live, in full and with its secrets (text: null for a SQLite source and one that was never read well), and the dotenv files that its services read. For backups.',
    params: name, result: (z: Z) => z.object({ name: z.string(), text: z.string().nullable(), dotenv: z.array(z.string()) }),
  }),

  'services.list': method({ client: 'listServices', doc: 'Every service, or those of one source.', needDoc: 'read', need: read, params: (z: Z) => z.strictObject({ source: z.string().optional() }), result: (z: Z) => z.object({ services: z.array(shape.service(z)) }) }),
  'services.get': method({ client: 'getService', doc: 'One service.', needDoc: 'read', need: read, params: fqn, result: shape.service }),
  'services.config': method({ client: 'getServiceConfig', doc: 'The configuration as written, secrets masked, and the revision it has.', needDoc: 'read', need: read, params: fqn, result: (z: Z) => z.object({ fqn: z.string(), revision: z.number().int(), config: z.unknown() }) }),
  'services.create': method({
    client: 'createService', needDoc: 'services:write:<source>', need: (p: { source: string }) => ({ grant: 'services:write', target: p.source }),
    doc: 'Adds a service to a SQLite source; durable before it is acknowledged.',
    params: (z: Z) => z.strictObject({ source: z.string(), name: z.string(), config: z.unknown() }),
    result: shape.service,
  }),
  'services.update': method({
    client: 'updateService', needDoc: 'services:write:<source>', need: write,
    doc: 'Applies a JSON merge patch to the configuration of a service in a SQLite source; ifRevision makes it conditional.',
    params: (z: Z) => z.strictObject({ fqn: z.string(), patch: z.unknown(), ifRevision: z.number().int().optional() }),
    result: (z: Z) => z.object({ service: shape.service(z), revision: z.number().int() }),
  }),
  'services.delete': method({ client: 'deleteService', doc: 'Stops a service of a SQLite source and removes it.', needDoc: 'services:write:<source>', need: write, params: fqn, result: (z: Z) => z.object({ fqn: z.string() }) }),
  'services.start': method({ client: 'startService', doc: 'Wants services up; answers when that is durable.', needDoc: 'services:control:<glob>', need: controlEither, params: fqnOrSource, result: actedOn }),
  'services.stop': method({ client: 'stopService', doc: 'Wants services down; answers when that is durable.', needDoc: 'services:control:<glob>', need: controlEither, params: fqnOrSource, result: actedOn }),
  'services.restart': method({ client: 'restartService', doc: 'Stops and starts services that are wanted up; starts those that are not.', needDoc: 'services:control:<glob>', need: controlEither, params: fqnOrSource, result: actedOn }),
  'services.deploy': method({ client: 'deployService', doc: 'Rolls the service out again by its rollout strategy.', needDoc: 'services:control:<glob>', need: control, params: fqn, result: shape.service }),
  'services.scale': method({ client: 'scaleService', doc: 'Wants that many instances. reason: one sentence for service.scaled. ifInstances: fails with CONFLICT when another number is wanted by now.', needDoc: 'services:control:<glob>', need: control, params: (z: Z) => z.strictObject({ fqn: z.string(), instances: z.number().int().min(0).max(10_000), reason: z.string().max(500).optional(), ifInstances: z.number().int().optional() }), result: shape.service }),
  'services.wait': method({
    client: 'waitForService', needDoc: 'read', need: read,
    doc: 'Answers when the state is reached; fails with TIMEOUT, or at once when it cannot be reached any more (DEPENDENCY_FAILED, SPAWN_FAILED, STOP_FAILED…). healthy: running and, where there are checks, all pass. stopped: no process is left. deployed: no deploy is under way and the last one succeeded.',
    params: (z: Z) => z.strictObject({ fqn: z.string(), for: z.enum(['running', 'healthy', 'stopped', 'completed', 'deployed']), timeoutMs: z.number().int().min(0).optional() }),
    result: shape.service,
  }),
  'services.revisions': method({ client: 'listRevisions', doc: 'The revisions of a service in a SQLite source, newest first.', needDoc: 'read', need: read, params: fqn, result: (z: Z) => z.object({ revisions: z.array(shape.revision(z)) }) }),
  'services.rollback': method({ client: 'rollbackService', doc: 'Makes an earlier revision the present one, as a new revision.', needDoc: 'services:write:<source>', need: write, params: (z: Z) => z.strictObject({ fqn: z.string(), revision: z.number().int() }), result: (z: Z) => z.object({ service: shape.service(z), revision: z.number().int() }) }),
  'services.stats': method({ client: 'getStats', doc: 'Processor, memory, open files and threads by instance, and the host.', needDoc: 'read', need: read, params: (z: Z) => z.strictObject({ fqn: z.string().optional() }), result: (z: Z) => z.object({ stats: z.array(shape.stats(z)), host: shape.hostStats(z) }) }),

  'metrics.subscribe': method({ client: 'subscribeMetrics', doc: 'Sends `metrics` notifications of the shape of services.stats.', needDoc: 'read', need: read, params: (z: Z) => z.strictObject({ intervalMs: z.number().int().min(500) }), result: (z: Z) => z.object({ subscription: z.string() }) }),
  'metrics.unsubscribe': method({ client: 'unsubscribeMetrics', doc: 'Ends a metrics subscription.', needDoc: 'read', need: read, params: (z: Z) => z.strictObject({ subscription: z.string() }), result: done }),

  'logs.get': method({ client: 'getLogs', doc: 'The last lines of services, merged by time.', needDoc: 'logs:read:<glob>', need: logsRead, params: (z: Z) => z.strictObject(logQuery(z)), result: (z: Z) => z.object({ lines: z.array(shape.logLine(z)) }) }),
  'logs.subscribe': method({ client: 'subscribeLogs', doc: 'Sends `log` notifications {subscription, lines}, first the asked number of past lines.', needDoc: 'logs:read:<glob>', need: logsRead, params: (z: Z) => z.strictObject(logQuery(z)), result: (z: Z) => z.object({ subscription: z.string() }) }),
  'logs.unsubscribe': method({ client: 'unsubscribeLogs', doc: 'Ends a log subscription.', needDoc: '–', need: open, params: (z: Z) => z.strictObject({ subscription: z.string() }), result: done }),

  'events.subscribe': method({
    client: 'subscribeEvents', needDoc: 'events:read', need: eventsRead,
    doc: 'Answers a snapshot and the sequence it is true at, then sends `event` notifications {epoch, events, through}. from: "cursor" resumes where the named subscriber last acknowledged, "now" (default) starts at the snapshot, a number starts after that sequence. One subscription a connection.',
    params: (z: Z) => z.strictObject({ name: z.string().min(1).max(128).optional(), from: z.union([z.literal('cursor'), z.literal('now'), z.number().int().min(0)]).optional(), ...eventFilter(z) }),
    result: (z: Z) => z.object({ snapshot: snapshot(z), epoch: z.string(), seq: z.number().int() }),
  }),
  'events.ack': method({ client: 'ackEvents', doc: 'Moves the cursor of the subscription; request or notification.', needDoc: 'events:read', need: eventsRead, params: (z: Z) => z.strictObject({ seq: z.number().int().min(0), epoch: z.string().optional() }), result: done }),
  'events.list': method({
    client: 'listEvents', needDoc: 'events:read', need: eventsRead,
    doc: 'Past events in order. since: a sequence number (exclusive) or a time; limit (default 1000) keeps the newest.',
    params: (z: Z) => z.strictObject({ since: z.union([z.number().int().min(0), z.iso.datetime()]).optional(), limit: z.number().int().min(1).max(10_000).optional(), ...eventFilter(z) }),
    result: (z: Z) => z.object({ epoch: z.string(), events: z.array(z.record(z.string(), z.unknown())) }),
  }),
  'events.unsubscribe': method({ client: 'unsubscribeEvents', doc: 'Ends the subscription of this connection.', needDoc: 'events:read', need: eventsRead, params: nothing, result: done }),

  'exposed.list': method({
    client: 'listExposed', doc: 'What services share with other sources; never values.', needDoc: 'read', need: read, params: nothing,
    result: (z: Z) => z.object({ exposed: z.array(z.object({ name: z.string(), source: z.string(), service: z.string(), state: z.enum(shape.serviceStates), healthy: z.boolean().nullable(), needsSecret: z.boolean(), variables: z.array(z.string()), ports: z.array(z.string()), consumers: z.array(z.string()) })) }),
  }),

  'routes.get': method({ client: 'getRoutes', doc: 'The route table.', needDoc: 'read', need: read, params: nothing, result: shape.routeTable }),
  'routes.subscribe': method({ client: 'subscribeRoutes', doc: 'For proxies: answers the route table, then sends each new version whole as a `routes` notification. Deploys and stops wait for the acknowledgements of all subscribers. drainMs: how long the proxy lets requests go on at an endpoint that left the table, 30,000 by default.', needDoc: 'routes', need: routes, params: (z: Z) => z.strictObject({ drainMs: z.number().int().min(0).optional() }), result: shape.routeTable }),
  'routes.unsubscribe': method({ client: 'unsubscribeRoutes', doc: 'The proxy serves no more. One whose connection ends without this word is taken to serve on, and is waited for.', needDoc: 'routes', need: routes, params: nothing, result: done }),
  'routes.ack': method({ client: 'ackRoutes', doc: 'This version is applied; listening says where the proxy can be reached, draining all endpoints that have left the table and still have requests, of which a proxy that was replaced may know more than its connection was told; without it, a `routes.drained` is waited for from each that left.', needDoc: 'routes', need: routes, params: (z: Z) => z.strictObject({ version: z.number().int(), listening: z.array(z.string()).optional(), draining: z.array(z.string()).optional() }), result: done }),
  'routes.nack': method({ client: 'nackRoutes', doc: 'This version cannot be applied; the reason is shown to the operator.', needDoc: 'routes', need: routes, params: (z: Z) => z.strictObject({ version: z.number().int(), reason: z.string() }), result: done }),
  'routes.drained': method({ client: 'drainedRoutes', doc: 'No request is under way any more at an endpoint that left the table.', needDoc: 'routes', need: routes, params: (z: Z) => z.strictObject({ endpoint: z.string() }), result: done }),

  'plugins.list': method({ client: 'listPlugins', doc: 'Every plugin, running or not.', needDoc: 'read', need: read, params: nothing, result: (z: Z) => z.object({ plugins: z.array(shape.plugin(z)) }) }),
  'plugins.get': method({ client: 'getPlugin', doc: 'One plugin.', needDoc: 'read', need: read, params: plugin, result: shape.plugin }),
  'plugins.enable': method({ client: 'enablePlugin', doc: 'Lets a plugin run; remembered.', needDoc: 'admin', need: admin, params: plugin, result: shape.plugin }),
  'plugins.disable': method({ client: 'disablePlugin', doc: 'Stops a plugin and keeps it off; remembered.', needDoc: 'admin', need: admin, params: plugin, result: shape.plugin }),
  'plugins.restart': method({ client: 'restartPlugin', doc: 'Restarts a plugin, out of quarantine too.', needDoc: 'admin', need: admin, params: plugin, result: shape.plugin }),
  'plugins.reload': method({ client: 'reloadPlugins', doc: 'Looks at the plugins folder again.', needDoc: 'admin', need: admin, params: nothing, result: (z: Z) => z.object({ plugins: z.array(shape.plugin(z)), skipped: z.array(z.object({ entry: z.string(), reason: z.string() })) }) }),
  'plugins.call': method({
    client: 'callPlugin', needDoc: 'plugin:call:<id>', need: (p: { plugin: string }) => ({ grant: 'plugin:call', target: p.plugin }),
    doc: 'Passes a request on to a plugin and answers what it answers.',
    params: (z: Z) => z.strictObject({ plugin: z.string(), method: z.string(), params: z.unknown().optional() }),
    result: (z: Z) => z.unknown(),
  }),

  'state.export': method({
    client: 'exportState', doc: 'What this daemon remembers and no configuration says: registered sources, what is wanted up and down, scales, and which plugins were enabled or disabled by hand. For backups.',
    needDoc: 'state:export', need: stateExport, params: nothing,
    result: (z: Z) => z.object({ version: z.string(), home: z.string(), sources: z.array(shape.registration(z)), ...shape.carriedState(z) }),
  }),
  'state.import': method({
    client: 'importState', doc: 'Takes over what another daemon, or this one earlier, answered to state.export, also for sources and services that are yet to come; what is left out stays as it is. Answers the services that it touched. Sources are registered with source.add.',
    needDoc: 'state:import', need: (): Need => ({ grant: 'state:import' }), params: (z: Z) => z.strictObject(shape.takenState(z)).partial(), result: (z: Z) => z.object({ services: z.array(z.string()) }),
  }),

  'config.validate': method({ client: 'validateConfig', doc: 'Reads a file as a source would be read and lists its problems; loads nothing.', needDoc: 'read', need: read, params: (z: Z) => z.strictObject({ path: z.string() }), result: (z: Z) => z.object({ problems: z.array(shape.problem(z)) }) }),
  'config.schema': method({ client: 'getConfigSchema', doc: 'JSON Schema of hive.yaml, for editors.', needDoc: 'read', need: read, params: nothing, result: (z: Z) => z.record(z.string(), z.unknown()) }),
} as const satisfies Record<string, MethodRow>;

export type Methods = typeof methods;
export type MethodName = keyof Methods;
export type Params<M extends MethodName> = zod.input<ReturnType<Methods[M]['params']>>;
export type ValidParams<M extends MethodName> = zod.output<ReturnType<Methods[M]['params']>>;
export type Result<M extends MethodName> = zod.output<ReturnType<Methods[M]['result']>>;
