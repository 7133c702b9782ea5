import { HiveError, toHiveError } from '../../shared/errors/index.js';
import { protocolVersions, type InitializeAnswer, type InitializeRequest, type LinkReport, type PluginManifest } from '../../shared/protocol/link.js';
import type { PluginTimings } from '../../shared/plugin/plugin-timings.js';
import type { CallOptions, CloseReason, RpcConnection } from '../../shared/rpc/index.js';
import { Heartbeat } from './heartbeat.js';
import type { LoopWatch } from './loop-watch.js';

export type LinkNews = { [L in LinkReport['link']]: Omit<Extract<LinkReport, { link: L }>, 'plugin' | 'run'> }[LinkReport['link']];

export interface LinkOptions {
  readonly manifest: PluginManifest;
  readonly run: string;
  readonly timings: PluginTimings;
  readonly loop: LoopWatch;
  readonly daemonVersion: string;
  readonly dataDir: string;
  readonly settings: () => Record<string, unknown>;
  /** Told of everything that the host and the journal have to know. */
  readonly onNews: (news: LinkNews) => void;
}

type Phase = 'expected' | 'connected' | 'initialized' | 'ready' | 'over';

/** The daemon's end of one run of a plugin, from before it connects until it is gone. */
export class PluginLink {
  #phase: Phase = 'expected';
  #connection: RpcConnection | null = null;
  #version: string | null = null;
  /** The settings it got last, as text. */
  #configured = '';
  #said = '';
  #heartbeat: Heartbeat | undefined;
  #startDeadline: NodeJS.Timeout | undefined;

  constructor(private readonly options: LinkOptions) {
    this.#allowStart();
  }

  get manifest(): PluginManifest { return this.options.manifest; }
  get run(): string { return this.options.run; }
  get version(): string | null { return this.#version; }

  /** What it says of itself; empty when it says nothing. */
  get said(): string { return this.#phase === 'ready' ? this.#said : ''; }

  /** How a restarted host is told about it. */
  get standing(): 'none' | 'open' | 'ready' {
    switch (this.#phase) {
      case 'ready': return 'ready';
      case 'over': return 'none';
      case 'expected': case 'connected': case 'initialized': return 'open';
    }
  }

  /** The connection that will speak for the plugin from now on. */
  connected(connection: RpcConnection): void {
    this.#connection = connection;
    this.#phase = 'connected';
  }

  /** @throws HiveError NOT_SUPPORTED no common protocol version; INVALID_PARAMS */
  initialize(request: InitializeRequest): InitializeAnswer {
    if (this.#phase !== 'connected') throw new HiveError('INVALID_PARAMS', 'This plugin has introduced itself already.', { next: 'Send initialize once, first.' });
    const theirs = Array.isArray(request.protocolVersions) ? request.protocolVersions : [];
    const version = Math.max(...theirs.filter((offered) => protocolVersions.includes(offered)));
    if (!Number.isFinite(version)) {
      const reason = `It speaks the protocol versions ${theirs.join(', ') || 'none'}; this daemon speaks ${protocolVersions.join(', ')}.`;
      this.#tell({ link: 'refused', reason });
      throw new HiveError('NOT_SUPPORTED', reason, { next: 'Use a version of the plugin and of Hive that fit each other.' });
    }
    this.#phase = 'initialized';
    this.#version = typeof request.version === 'string' ? request.version.slice(0, 64) : null;
    return {
      protocolVersion: version,
      daemonVersion: this.options.daemonVersion,
      pluginId: this.manifest.id,
      grants: this.manifest.grants,
      config: this.#takeSettings(),
      dataDir: this.options.dataDir,
    };
  }

  ready(): void {
    if (this.#phase !== 'initialized' || this.#connection === null) return;
    this.#phase = 'ready';
    clearTimeout(this.#startDeadline);
    this.#heartbeat = new Heartbeat(this.#connection, this.options.timings, this.options.loop, {
      onUnresponsive: () => this.#tell({ link: 'unresponsive' }),
      onResponsive: () => this.#tell({ link: 'responsive' }),
      onHopeless: (silentForMs) => this.#tell({ link: 'hopeless', reason: `answered no ping for ${Math.round(silentForMs / 1000)} s` }),
    });
    this.#tell({ link: 'ready', version: this.#version ?? '' });
  }

  /** It said that starting goes on. */
  progress(): void {
    if (this.#phase === 'connected' || this.#phase === 'initialized') this.#allowStart();
  }

  /** It said how it is. */
  says(reason: string): void {
    this.#said = reason.slice(0, 2_000);
  }

  /** It said that it cannot work as it is configured. */
  failed(reason: string): void {
    this.#tell({ link: 'refused', reason: reason.slice(0, 2_000) });
  }

  /** @throws HiveError PLUGIN_NOT_READY, or what the plugin answers */
  async call(method: string, params: unknown, options: CallOptions): Promise<unknown> {
    if (this.#phase !== 'ready' || this.#connection === null) throw notReady(this.manifest.id);
    return this.#connection.call('plugin.call', { method, ...(params === undefined ? {} : { params }) }, options);
  }

  /** Passes changed settings on. Answers false when the plugin has to be started again to get them. */
  async configure(): Promise<boolean> {
    // Until it introduces itself it has been told nothing; then it gets what is true then.
    if (this.#phase === 'expected' || this.#phase === 'connected') return true;
    if (JSON.stringify(settingsShown(this.options.settings())) === this.#configured) return true;
    if (this.#phase !== 'ready' || this.#connection === null) return false;
    try {
      await this.#connection.call('plugin.configure', { config: this.#takeSettings() });
      return true;
    } catch (thrown) {
      return toHiveError(thrown).code === 'CONNECTION_CLOSED';
    }
  }

  /** Asks it to shut down; resolves with its answer, or when there is none to wait for. `again`: it is started anew afterwards. */
  async shutDown(again: boolean): Promise<void> {
    this.#heartbeat?.close();
    if (this.#connection === null || this.#phase === 'expected') return;
    // Before it has introduced itself it can be asked for nothing; it must not begin its work while it is being ended.
    if (this.#phase === 'connected') return this.drop();
    await this.#connection.call('shutdown', { again }, { deadlineMs: this.options.timings.shutdownMs });
  }

  /** Its process is gone, or another run has taken its place. */
  drop(): void {
    this.#end();
    this.#connection?.close('The plugin has ended.');
  }

  /** The connection ended. */
  disconnected({ kind, message }: CloseReason): void {
    if (this.#phase === 'over') return;
    this.#end();
    if (kind === 'peer-ended' || kind === 'closed-here') this.options.onNews({ link: 'closed', reason: message });
    else this.options.onNews({ link: 'hopeless', reason: `broke the rules of its link: ${message}` });
  }

  #tell(news: LinkNews): void {
    if (this.#phase !== 'over') this.options.onNews(news);
  }

  #end(): void {
    this.#phase = 'over';
    this.#heartbeat?.close();
    clearTimeout(this.#startDeadline);
  }

  #allowStart(): void {
    const { readyWithinMs } = this.options.timings;
    const since = performance.now();
    clearTimeout(this.#startDeadline);
    this.#startDeadline = setTimeout(() => {
      if (this.options.loop.wasLateSince(since)) return this.#allowStart();
      this.#tell({ link: 'hopeless', reason: `did not say within ${readyWithinMs / 1000} s that it is ready` });
    }, readyWithinMs);
  }

  #takeSettings(): Record<string, unknown> {
    const config = settingsShown(this.options.settings());
    this.#configured = JSON.stringify(config);
    return config;
  }
}

export function notReady(plugin: string): HiveError {
  return new HiveError('PLUGIN_NOT_READY', `The plugin ${plugin} is not ready.`, { next: `hivectl plugin list says why; hivectl plugin restart ${plugin} starts it anew.` });
}

/** `enabled` is for Hive; whether a plugin is enabled, it notices. */
function settingsShown({ enabled: _, ...config }: Record<string, unknown>): Record<string, unknown> {
  return config;
}
