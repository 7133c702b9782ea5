import { join, resolve } from 'node:path';
import { configJsonSchema } from '../shared/config/json-schema.js';
import { shippedSettings } from '../shared/config/shipped-settings.js';
import { toHiveError } from '../shared/errors/index.js';
import { connectRpc, listenRpc, RawJson, type RpcServer } from '../shared/rpc/index.js';
import type { Status } from '../shared/protocol/results.js';
import { EventHub } from './events/event-hub.js';
import { defaultKeptEvents, keepJournalShort } from './events/retention.js';
import { HealthMonitor } from './health/health-monitor.js';
import { lockHome } from './home/home-lock.js';
import { prepareHome } from './home/prepare-home.js';
import { LogStore } from './logs/log-store.js';
import { openDaemonLog, type Logger } from './daemon-log.js';
import { PluginSystem } from './plugins/plugin-system.js';
import { EngineMemory } from './runner/engine-memory.js';
import { homeId } from './runner/home-id.js';
import { openEngine } from './runner/open-engine.js';
import { Runners } from './runner/runners.js';
import { allowListedEnvironment } from './runner/script/environment.js';
import { removeRunFolders } from './runner/script/run-folder.js';
import { ScriptRunner } from './runner/script/script-runner.js';
import { daemonHandlers } from './rpc/handlers/daemon-handlers.js';
import { eventHandlers } from './rpc/handlers/event-handlers.js';
import { logHandlers } from './rpc/handlers/log-handlers.js';
import { pluginHandlers } from './rpc/handlers/plugin-handlers.js';
import { routeHandlers } from './rpc/handlers/route-handlers.js';
import { serviceHandlers } from './rpc/handlers/service-handlers.js';
import { sourceHandlers } from './rpc/handlers/source-handlers.js';
import { stateHandlers } from './rpc/handlers/state-handlers.js';
import { dispatcher } from './rpc/dispatch.js';
import { Session } from './rpc/session.js';
import { deriveRoutes } from './routes/derive-routes.js';
import { RouteHub } from './routes/route-hub.js';
import { keepOwnFilesPrivate } from './service-umask.js';
import { SourceManager } from './sources/source-manager.js';
import { validatePath } from './sources/validate-path.js';
import { StateStore } from './state/state-store.js';
import { usageInEngines } from './stats/usage-in-engines.js';
import { StatsSampler } from './stats/stats-sampler.js';
import { Builds } from './supervisor/builds.js';
import { Ports } from './supervisor/ports.js';
import { Supervisor } from './supervisor/supervisor.js';
import { version } from './version.js';

/** Where the front door listens when the default source does not say. */
const defaultBind = ['127.0.0.1:8080'];

/** How long proxies may take to apply a version of the route table before a deploy gives up. */
const routesInForceMs = 10_000;

export interface Daemon {
  readonly socket: string;
  shutdown(how: ShutdownOrder): void;
  /** Resolves with the exit code once everything is written. */
  readonly ended: Promise<number>;
}

export interface ShutdownOrder {
  /** Stop services first, in reverse dependency order. */
  readonly graceful: boolean;
  /** Leave services running for the next daemon. */
  readonly keepServices: boolean;
  readonly by: string;
}

/**
 * Puts the daemon together, in the order in which it comes up: the home is taken, what lives is found, sources are read
 * (which takes over what lives and starts what is wanted), and only then does the socket open.
 * @throws HiveError HOME_REFUSED, HOME_LOCKED, STORAGE_FAILED
 */
export async function startDaemon(homeAsGiven: string): Promise<Daemon> {
  const home = resolve(homeAsGiven);
  const beganAt = Date.now();
  keepOwnFilesPrivate();
  prepareHome(home);
  const lock = lockHome(home);
  const log = openDaemonLog(home);
  surviveDefects(log);
  const warn = (sentence: string): void => log.warn(sentence);

  const store = new StateStore(join(home, 'state.db'));
  store.onTrouble((error) => (error === null ? log.info('State can be written again.') : log.error(error.message)));
  const stopPruning = keepJournalShort(store, Number(process.env['HIVE_JOURNAL_EVENTS'] ?? defaultKeptEvents));

  const logs = new LogStore({ home, warn });
  const engineTools = { home, logs, warn, homeId: homeId(home) };
  const script = new ScriptRunner({ home, baseEnvironment: allowListedEnvironment(process.env) });
  const runner = new Runners({
    script,
    open: (engine) => openEngine(engine, engineTools),
    memory: new EngineMemory(home),
    warn,
  });
  const health = new HealthMonitor({ onVerdict: (ref, verdict) => supervisor.verdict(ref, verdict) });
  const supervisor: Supervisor = new Supervisor(store, {
    runner, logs, health, warn,
    ports: new Ports(store, (port) => supervisor.declaresPort(port)),
    builds: new Builds(store, script),
    daemonEnvironment: allowListedEnvironment(process.env),
    drain: (endpoints, limitMs) => routes.drain(endpoints, limitMs),
    routesInForce: () => routes.inForce(routesInForceMs),
  });
  const routes = new RouteHub(store, {
    derive: () => deriveRoutes(supervisor.routed()),
    causeOf: (service) => supervisor.find(service)?.cause,
    bind: () => sources.sourceSpec('default')?.proxy?.bind ?? defaultBind,
  });
  supervisor.onChange((service) => { if (service.spec.proxy.length > 0) routes.touch(); });
  const adopted = await supervisor.findSurvivors();
  await store.commit((tx) => tx.append({ type: 'daemon.started', version, pid: process.pid, adopted }));
  const socket = join(home, 'hive.sock');
  const plugins: PluginSystem<Session> = new PluginSystem<Session>({
    home, socket, version, store, warn,
    progressOf: (session) => events.progressOf(session),
    environment: process.env,
    settingsOf: (plugin) => sources.sourceSpec('default')?.plugins[plugin] ?? {},
    someServiceHas: (feature) => sources.allSpecs().some((spec) => (feature === 'route' ? spec.proxy.length > 0 : spec.scale !== null)),
  });
  const sources: SourceManager = new SourceManager({
    home, store, supervisor, log, environment: process.env, pluginSettings: shippedSettings(),
    onLive: () => {
      void plugins.settingsChanged();
      // Where the front door listens may have changed.
      routes.touch();
    },
    onDeleted: (source, service) => removeRunFolders(home, source, service),
  });
  await sources.load();
  await supervisor.stopOrphans(new Set(sources.loaded()), new Set(sources.list().map(({ name }) => name)));
  const stats = new StatsSampler({
    instances: () => supervisor.running().filter(({ process }) => process.engine === undefined).map(({ actor, process: { pid, startedAt } }) => ({ ref: actor.ref, pid, startedAt })),
    others: () => usageInEngines(supervisor, runner),
  });

  const sessions = new Set<Session>();
  const events = new EventHub(store, () => RawJson.object({
    services: RawJson.array(supervisor.all().map((service) => service.json())),
    sources: sources.list(),
    plugins: plugins.list(),
  }));

  const status = (): Status => {
    const services = supervisor.all();
    const byState: Record<string, number> = {};
    for (const service of services) byState[service.view().state] = (byState[service.view().state] ?? 0) + 1;
    const all = plugins.list();
    return {
      version, home,
      pid: process.pid,
      uptimeMs: Date.now() - beganAt,
      sources: sources.list().length,
      services: { running: byState['running'] ?? 0, total: services.length, byState },
      proxy: routes.listening(),
      journal: { epoch: store.epoch, seq: store.seq },
      plugins: { ready: all.filter((plugin) => plugin.state === 'ready').length, total: all.length },
    };
  };

  let end: (code: number) => void;
  const ended = new Promise<number>((done) => { end = done; });
  let server: RpcServer | null = null;
  let stopping = false;
  const shutdown = (order: ShutdownOrder): void => {
    if (stopping) return;
    stopping = true;
    log.info({ order }, 'Shutting down.');
    void stop(order).then(() => end(0), (thrown: unknown) => {
      log.error(toHiveError(thrown).message);
      end(1);
    });
  };
  const stop = async (order: ShutdownOrder): Promise<void> => {
    const cause = { request: 'daemon.shutdown', by: order.by };
    store.giveUpWhatCannotBeWritten();
    try {
      // A daemon that leaves services to the next one leaves it the front door as well: a proxy whose link ends serves on.
      const ending = [sources.close(), order.keepServices ? plugins.leave() : plugins.shutdown()];
      // What cannot be ended properly here is no reason to leave services running.
      for (const outcome of await Promise.allSettled(ending)) {
        if (outcome.status === 'rejected') log.error({ err: outcome.reason as unknown }, 'Shutting down met a defect.');
      }
      if (order.graceful && !order.keepServices) await supervisor.halt(cause);
    } finally {
      await supervisor.close();
      health.close();
      await runner.close();
      await logs.close();
      await store.record((tx) => tx.append({ type: 'daemon.shutdown', reason: `asked for by ${order.by}`, keepServices: order.keepServices || !order.graceful }, cause));
      server?.close();
      for (const session of sessions) session.rpc.close('The daemon stopped.');
      stopPruning();
      store.close();
      lock.release();
      log.flush();
    }
  };

  const dispatch = dispatcher({
    ...daemonHandlers({ status, shutdown, validate: async (path) => ({ problems: await validatePath(path, { home, env: process.env, pluginSettings: shippedSettings() }) }), schema: () => configJsonSchema(shippedSettings()), exposed: () => supervisor.exposed() }),
    ...sourceHandlers(sources, supervisor),
    ...serviceHandlers(supervisor, sources, stats, logs),
    ...logHandlers(logs),
    ...routeHandlers(routes),
    ...eventHandlers(events),
    ...pluginHandlers(plugins),
    ...stateHandlers({ version, home, sources, supervisor, plugins }),
  });
  let connections = 0;
  server = await listenRpc(socket, (stream) => {
    const session = new Session((connections += 1));
    session.rpc = connectRpc(stream, {
      name: `connection ${session.id}`,
      onRequest: (method, params, context) => plugins.handle(session, method, params) ?? dispatch(session, method, params, context),
      onNotification: (method, params) => {
        if (method === 'events.ack') dispatch(session, method, params, silent);
        else plugins.notified(session, method, params);
      },
      onDefect: (error) => log.error({ err: error }, 'A request met a defect.'),
    });
    sessions.add(session);
    void session.rpc.closed.then(() => {
      sessions.delete(session);
      session.releaseAll();
      plugins.closed(session);
    });
  }, { onDefect: (error) => log.error({ err: error }, 'The socket met a defect.') });
  plugins.start();
  log.info({ version, adopted, tookMs: Date.now() - beganAt }, 'Ready.');
  return { socket, shutdown, ended };
}

const silent = { signal: new AbortController().signal, progress: () => {} };

/** A defect in one request must not take supervision down; one that leaves the process in doubt ends it, and services live on. */
function surviveDefects(log: Logger): void {
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'A promise was left rejected: a defect in Hive.'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'A defect in Hive; services run on and the next daemon adopts them.');
    process.exit(70);
  });
}
