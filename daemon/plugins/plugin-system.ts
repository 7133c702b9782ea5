import { join } from 'node:path';
import { nameProblem } from '../../shared/config/names.js';
import { HiveError, toHiveError } from '../../shared/errors/index.js';
import type {
  AttachRequest, ExpectRequest, HostCommand, HostHello, HostWelcome, InitializeRequest, Inventory, PluginManifest, PluginReport, RememberedPlugin,
} from '../../shared/protocol/link.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { timingsFrom, type PluginTimings } from '../../shared/plugin/plugin-timings.js';
import { Heartbeat } from './heartbeat.js';
import { HostSupervisor } from './host-supervisor.js';
import { viewOf, type KnownPlugin } from './known-plugin.js';
import { LoopWatch } from './loop-watch.js';
import type { PluginDaemon, PluginSession, Requested } from './plugin-daemon.js';
import { notReady, PluginLink, type LinkNews } from './plugin-link.js';
import { PluginLinks } from './plugin-links.js';
import { pluginSettings, type PluginSettings } from './plugin-settings.js';
import { ProcessUsage } from './process-usage.js';
import { RememberedPlugins } from './remembered-plugins.js';
import { wantOf, type Want } from './wants.js';

/** How long a command waits for a plugin host that is just being started. */
const hostWaitMs = 10_000;
/** A day: what a call that its caller may withdraw can take. */
const longestCallMs = 86_400_000;

type PluginChoice = RememberedPlugin['choice'];
/** How a caller follows a call of a plugin. */
interface CallContext { readonly signal: AbortSignal; readonly progress: (value: unknown) => void }

/**
 * The daemon's side of plugins: runs the host, tells it which plugins are wanted, speaks with each plugin over its link,
 * remembers what must outlive them, and answers the `plugins.*` methods. It knows no plugin by name.
 */
export class PluginSystem<Session extends PluginSession = PluginSession> {
  readonly #known = new Map<string, KnownPlugin>();
  readonly #links = new PluginLinks<Session>();
  readonly #timings: PluginTimings;
  readonly #loop: LoopWatch;
  readonly #usage = new ProcessUsage();
  readonly #memories: RememberedPlugins;
  readonly #host: HostSupervisor;
  #hostSession: Session | null = null;
  #hostHeartbeat: Heartbeat | undefined;
  #hostWaiters: (() => void)[] = [];
  #skipped: Inventory['skipped'] = [];
  /** Whether the present host has told what there is. */
  #hasInventory = false;
  #isStopping = false;

  constructor(private readonly daemon: PluginDaemon<Session>) {
    this.#timings = timingsFrom(process.env);
    this.#loop = new LoopWatch(Math.min(1_000, this.#timings.pingIntervalMs / 2));
    this.#memories = new RememberedPlugins(daemon.store);
    this.#host = new HostSupervisor(daemon);
  }

  /** Starts the host; plugins follow as it finds them. To be called when the socket listens. */
  start(): void {
    this.#host.start();
  }

  /** The process that runs plugins; null while there is none. */
  get hostPid(): number | null {
    return this.#host.pid;
  }

  // What arrives on connections.

  /** Answers what the host and plugins ask; undefined for any other method. */
  handle(session: Session, method: string, params: unknown): unknown {
    switch (method) {
      case '$/ping': return {};
      case 'host.hello': return this.#hello(session, params as HostHello);
      case 'host.attach': return this.#attach(session, params as AttachRequest);
      case 'host.expect': return this.#asHost(session, () => this.#expect(params as ExpectRequest));
      case 'host.inventory': return this.#asHost(session, () => this.#takeInventory(params as Inventory));
      case 'host.report': return this.#asHost(session, () => this.#takeReport(params as PluginReport));
      case 'host.close': return this.#asHost(session, () => this.#shutDownRun(params as { plugin: string; run: string; again: boolean }));
      case 'initialize': return this.#links.initialize(session, (params ?? {}) as InitializeRequest);
      default: return undefined;
    }
  }

  notified(session: Session, method: string, params: unknown): void {
    this.#links.notified(session, method, params);
  }

  /** A connection ended, whoever it was. */
  closed(session: Session): void {
    if (session === this.#hostSession) {
      this.#hostSession = null;
      this.#hasInventory = false;
      this.#hostHeartbeat?.close();
    }
    void this.#links.closed(session);
  }

  // What people ask for.

  list(): Plugin[] {
    this.#usage.keep(new Set([...this.#known.values()].map(({ report }) => report.process?.pid ?? 0)));
    return [...this.#known.values()].map((known) => this.#view(known)).sort((one, other) => one.id.localeCompare(other.id));
  }

  /** @throws HiveError NOT_FOUND */
  get(id: string): Plugin {
    return this.#view(this.#named(id));
  }

  async enable(id: string, requested?: Requested): Promise<Plugin> {
    return this.#choose(id, 'enabled', requested);
  }

  async disable(id: string, requested?: Requested): Promise<Plugin> {
    return this.#choose(id, 'disabled', requested);
  }

  /** What was decided by hand about each plugin that is known, or was. */
  choices(): { plugin: string; choice: PluginChoice }[] {
    const ids = new Set([...this.#known.keys(), ...[...this.#memories.all].map(({ id }) => id)]);
    return [...ids].sort().map((plugin) => ({ plugin, choice: this.#memories.of(plugin).choice }));
  }

  /** Takes over decisions, also about plugins that are not there yet. @throws HiveError INVALID_PARAMS, STORAGE_FAILED */
  async takeChoices(choices: readonly { plugin: string; choice: PluginChoice }[]): Promise<void> {
    for (const { plugin } of choices) {
      const problem = nameProblem('plugin', plugin);
      if (problem !== null) throw new HiveError('INVALID_PARAMS', problem, { next: 'Give the id of a plugin.' });
    }
    for (const { plugin, choice } of choices) {
      if (this.#memories.of(plugin).choice !== choice) await this.#memories.decide({ ...this.#memories.of(plugin), choice });
    }
    this.#applyWants();
  }

  /** @throws HiveError NOT_FOUND; PLUGIN_NOT_READY it is not wanted, or there is no host */
  async restart(id: string, requested?: Requested): Promise<Plugin> {
    await this.#hostArrived();
    const known = this.#named(id);
    const want = this.#wantOf(known.report.manifest);
    if (!want.wanted) throw new HiveError('PLUGIN_NOT_READY', `The plugin ${id} is not to run. ${want.reason}`, { next: `hivectl plugin enable ${id} lets it run.` });
    known.cause = requested;
    await this.#command({ do: 'restart', plugin: id });
    return this.get(id);
  }

  async reload(_requested?: Requested): Promise<{ plugins: Plugin[]; skipped: { entry: string; reason: string }[] }> {
    await this.#hostArrived();
    this.#takeInventory((await this.#command({ do: 'rescan' })) as Inventory);
    return { plugins: this.list(), skipped: this.#skipped };
  }

  /** @throws HiveError NOT_FOUND, PLUGIN_NOT_READY, or what the plugin answers */
  async call(id: string, method: string, params: unknown, { signal, progress }: Partial<CallContext> = {}): Promise<unknown> {
    if (!this.#known.has(id)) await this.#hostArrived();
    const { link } = this.#named(id);
    if (link === null) throw notReady(id);
    // How long it may take is the caller's to say: the call is withdrawn here when it is withdrawn there.
    return link.call(method, params, {
      ...(signal === undefined ? {} : { signal, deadlineMs: longestCallMs }),
      ...(progress === undefined ? {} : { onProgress: progress }),
    });
  }

  /** hive.yaml or the services have changed: tells plugins their new settings, starts and stops them as is wanted now. */
  async settingsChanged(): Promise<void> {
    this.#applyWants();
    for (const { link, report } of [...this.#known.values()]) {
      const isUp = report.process !== null || report.state === 'failed';
      if (link === null || !isUp || !this.#wantOf(report.manifest).wanted || (await link.configure())) continue;
      await this.#command({ do: 'restart', plugin: report.manifest.id }).catch((thrown: unknown) => this.#complain(thrown));
    }
  }

  /** Ends every plugin and the host; resolves when their processes are gone. */
  async shutdown(): Promise<void> {
    await this.#end(true);
  }

  /** Ends as if the daemon had been killed: plugins are not asked, their links end. A proxy, for one, then serves on. */
  async leave(): Promise<void> {
    for (const { link } of this.#known.values()) link?.drop();
    await this.#end(false);
  }

  async #end(asks: boolean): Promise<void> {
    this.#isStopping = true;
    const { shutdownMs, exitMs, terminateMs } = this.#timings;
    const host = this.#hostSession;
    if (host !== null) {
      const deadlineMs = shutdownMs + exitMs + terminateMs + 2_000;
      if (asks) await host.rpc.call('host.command', { do: 'shutdown' } satisfies HostCommand, { deadlineMs }).catch((thrown: unknown) => this.#complain(thrown));
      host.rpc.close('The daemon stops.');
    }
    await this.#host.stop(host === null ? 0 : exitMs);
    for (const { link } of this.#known.values()) link?.drop();
    this.#hostHeartbeat?.close();
    this.#loop.close();
  }

  // The host.

  #hello(session: Session, { token, pid }: HostHello): HostWelcome {
    this.#assertHostToken(token);
    this.#hostSession?.rpc.close('Another plugin host has taken its place.');
    this.#hostSession = session;
    session.identity = { kind: 'host' };
    this.#hostHeartbeat?.close();
    this.#hostHeartbeat = new Heartbeat(session.rpc, this.#timings, this.#loop, {
      onUnresponsive: () => this.daemon.warn(`The plugin host (pid ${pid}) does not answer.`),
      onResponsive: () => this.daemon.warn(`The plugin host (pid ${pid}) answers again.`),
      onHopeless: () => this.#host.kill(),
    });
    for (const known of this.#known.values()) known.told = null;
    return {
      plugins: [...this.#memories.all].map((memory) => {
        const { link = null } = this.#known.get(memory.id) ?? {};
        const standing = link?.run === memory.process?.run ? link?.standing ?? 'none' : 'none';
        return { ...memory, process: memory.process === null ? null : { ...memory.process, link: standing } };
      }),
    };
  }

  #takeInventory({ plugins, skipped }: Inventory): object {
    this.#skipped = skipped;
    this.#hasInventory = true;
    const ids = new Set(plugins.map(({ manifest }) => manifest.id));
    for (const [id, known] of this.#known) {
      if (ids.has(id)) continue;
      known.link?.drop();
      this.#known.delete(id);
    }
    for (const report of plugins) this.#note(report);
    this.#applyWants();
    for (const resolve of this.#hostWaiters.splice(0)) resolve();
    return {};
  }

  async #takeReport(report: PluginReport): Promise<object> {
    const known = this.#note(report);
    const { manifest: { id }, restarts, unstableRuns, quarantined, process, event } = report;
    const journal = event === undefined ? undefined : { ...event, plugin: id };
    const cause = known.cause;
    if (event?.type === 'plugin.crashed') known.cause = undefined;
    await this.#memories.note({ id, choice: this.#memories.of(id).choice, restarts, unstableRuns, quarantined, process }, journal, cause);
    return {};
  }

  #note(report: PluginReport): KnownPlugin {
    const { id } = report.manifest;
    const known = this.#known.get(id) ?? { report, link: null, lastRun: null, told: null, cause: undefined };
    known.report = report;
    if (report.process !== null) known.lastRun = report.process.run;
    // Its process is gone; whoever still holds the other end of the link is nobody that Hive started.
    else if (known.link !== null && known.link.run === known.lastRun) known.link.drop();
    this.#known.set(id, known);
    return known;
  }

  #applyWants(): void {
    if (this.#hostSession === null || this.#isStopping) return;
    for (const known of this.#known.values()) {
      const { manifest } = known.report;
      const order = this.#wantOf(manifest).wanted ? 'start' : 'stop';
      if (known.told === order) continue;
      known.told = order;
      this.#command({ do: order, plugin: manifest.id }).catch((thrown: unknown) => this.#complain(thrown));
    }
  }

  // Links.

  #attach(session: Session, { token, manifest, run }: AttachRequest): object {
    this.#assertHostToken(token);
    this.#links.attach(session, this.#newLink(manifest, run));
    return {};
  }

  #expect({ manifest, run, pluginToken }: ExpectRequest): object {
    this.#links.expect(pluginToken, this.#newLink(manifest, run));
    return {};
  }

  #newLink(manifest: PluginManifest, run: string): PluginLink {
    const { id } = manifest;
    const known = this.#known.get(id);
    if (this.#isStopping) throw new HiveError('SHUTTING_DOWN', `The daemon is stopping; it starts no plugin any more.`);
    if (known === undefined) throw new HiveError('NOT_FOUND', `No inventory has named a plugin ${id}.`);
    known.link?.drop();
    const link: PluginLink = new PluginLink({
      manifest, run, timings: this.#timings, loop: this.#loop, daemonVersion: this.daemon.version,
      dataDir: join(this.daemon.home, 'plugin-data', id),
      settings: () => this.#settingsOf(manifest).settings,
      onNews: (news) => this.#heed(link, news),
    });
    known.link = link;
    return link;
  }

  #heed(link: PluginLink, news: LinkNews): void {
    const plugin = link.manifest.id;
    const known = this.#known.get(plugin);
    const memory = this.#memories.of(plugin);
    if (news.link === 'ready') {
      void this.#memories.note(memory, { type: 'plugin.ready', plugin, version: news.version }, known?.cause);
      if (known !== undefined) known.cause = undefined;
    }
    if (news.link === 'unresponsive') void this.#memories.note(memory, { type: 'plugin.unresponsive', plugin });
    this.#hostSession?.rpc.notify('host.link', { plugin, run: link.run, ...news });
  }

  async #shutDownRun({ plugin, run, again }: { plugin: string; run: string; again: boolean }): Promise<object> {
    const link = this.#known.get(plugin)?.link;
    if (link?.run === run) await link.shutDown(again);
    return {};
  }

  // The rest.

  async #choose(id: string, choice: 'enabled' | 'disabled', requested: Requested | undefined): Promise<Plugin> {
    if (!this.#known.has(id)) await this.#hostArrived();
    const known = this.#named(id);
    await this.#memories.decide({ ...this.#memories.of(id), choice });
    known.cause = requested;
    this.#applyWants();
    // The host answers commands in order: once it has answered this one, it has done the others.
    await this.#hostSession?.rpc.call('$/ping').catch(() => undefined);
    return this.get(id);
  }

  async #command(command: HostCommand): Promise<unknown> {
    if (this.#hostSession === null) throw hostAway();
    return this.#hostSession.rpc.call('host.command', command);
  }

  async #hostArrived(): Promise<void> {
    if (this.#hostSession !== null && this.#hasInventory) return;
    let timer: NodeJS.Timeout | undefined;
    const isThere = await new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), hostWaitMs);
      this.#hostWaiters.push(() => resolve(true));
    });
    clearTimeout(timer);
    if (!isThere) throw hostAway();
  }

  #view(known: KnownPlugin): Plugin {
    const { report, link } = known;
    const session = this.#links.sessionOf(link);
    const pid = report.process?.pid;
    return viewOf({
      report,
      version: link?.version ?? null,
      said: link?.said ?? '',
      want: this.#wantOf(report.manifest),
      usage: pid === undefined ? { cpu: null, memoryBytes: null } : this.#usage.of(pid),
      progress: session === undefined ? null : this.daemon.progressOf(session),
    });
  }

  #wantOf(manifest: PluginManifest): Want {
    return wantOf({ manifest, choice: this.#memories.of(manifest.id).choice, ...this.#settingsOf(manifest), someServiceHas: this.daemon.someServiceHas });
  }

  #settingsOf(manifest: PluginManifest): PluginSettings {
    return pluginSettings(manifest, this.daemon.settingsOf(manifest.id), this.daemon.environment);
  }

  #named(id: string): KnownPlugin {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const problem = nameProblem('plugin', id);
    if (problem !== null) throw new HiveError('INVALID_PARAMS', problem, { next: 'hivectl plugin list shows the ids there are.' });
    throw new HiveError('NOT_FOUND', `There is no plugin "${id}".`, { next: 'hivectl plugin list shows the ones there are; hivectl plugin reload looks for new ones and says what it skips.' });
  }

  #asHost(session: Session, action: () => unknown): unknown {
    if (session.identity.kind === 'host') return action();
    throw new HiveError('PERMISSION_DENIED', 'Only the plugin host may call this.', { next: 'Use the plugins.* methods.' });
  }

  #assertHostToken(token: unknown): void {
    if (this.#host.isToken(token)) return;
    throw new HiveError('PERMISSION_DENIED', 'This is not the plugin host that the daemon started.', { next: 'The daemon starts its plugin host itself.' });
  }

  #complain(thrown: unknown): void {
    const { code, message } = toHiveError(thrown);
    if (code !== 'CONNECTION_CLOSED' && !this.#isStopping) this.daemon.warn(`The plugin host: ${message}`);
  }
}

function hostAway(): HiveError {
  return new HiveError('PLUGIN_NOT_READY', 'The plugin host is not there at the moment; it is being started again.', { next: 'Try again; logs/.plugins/host.log in the home says why if it stays away.' });
}
