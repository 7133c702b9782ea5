import { DaemonClient } from '../client/index.js';
import { type HiveError, toHiveError } from '../errors/hive-error.js';
import { protocolVersions, type FailedNotice, type InitializeAnswer, type InitializeRequest, type StatusNotice } from '../protocol/link.js';
import { methodNotFound } from '../rpc/index.js';
import { CorePluginRegistry } from './core-plugin-registry.js';
import type { CallContext, CorePlugin, EventPattern, LogLevel, PluginContext, ShutdownReason, Snapshot } from './core-plugin.js';
import { EventFeed } from './event-feed.js';
import { hideLink, openLink } from './open-link.js';

/** How long events that have arrived may still be handled, and `shutdown` may take, at the end. Milliseconds. */
const drainMs = 3_000;
const shutdownMs = 5_000;

/**
 * Runs one plugin, or several that share a process, for as long as the process lives: connects, introduces itself as the
 * first of them, gets ready, hands on events and calls, and ends the process when it is told to or its link ends.
 */
export async function runPlugin(...plugins: [CorePlugin, ...CorePlugin[]]): Promise<void> {
  const runner = new PluginRunner(plugins);
  await runner.run();
}

class PluginRunner {
  readonly #registry = new CorePluginRegistry({ log });
  readonly #feed = new EventFeed({
    handle: (event) => this.#handle(event),
    acknowledge: (upTo) => this.#client?.acknowledgeEvents(upTo),
  });
  #client: DaemonClient | undefined;
  #ending: Promise<void> | undefined;

  constructor(private readonly plugins: readonly [CorePlugin, ...CorePlugin[]]) {
    for (const plugin of plugins) this.#registry.register(plugin);
  }

  async run(): Promise<void> {
    const { stream, token } = await openLink(process.env);
    hideLink(process.env);
    const client = this.#client = DaemonClient.over(stream, {
      name: 'the daemon',
      onRequest: (method, params, context) => this.#answer(method, params, context),
      onDefect: (error) => log('error', error instanceof Error ? (error.stack ?? error.message) : String(error)),
    });
    client.onEvents((batch) => this.#feed.take(batch));
    void client.closed.then(() => this.#end('linkLost', 0));
    process.once('SIGTERM', () => void this.#end('signal', 0));
    try {
      await this.#start(client, token);
    } catch (thrown) {
      await this.#giveUp(client, toHiveError(thrown));
    }
  }

  async #start(client: DaemonClient, token: string | undefined): Promise<void> {
    const { name, version } = this.plugins[0];
    const request: InitializeRequest = { protocolVersions, name, version, ...(token === undefined ? {} : { token }) };
    const welcome = await client.connection.call<InitializeAnswer>('initialize', request);
    const context: PluginContext = {
      id: welcome.pluginId,
      dataDir: welcome.dataDir,
      config: welcome.config,
      grants: welcome.grants,
      daemonVersion: welcome.daemonVersion,
      log,
      status: (reason) => client.connection.notify('status', { reason } satisfies StatusNotice),
      progress: (message) => client.connection.notify('$/progress', { token: 'start', value: message ?? null }),
    };
    const types = this.#wantedEvents(welcome.config);
    if (types === null || types.length > 0) {
      // Before init: what happens while a plugin looks around must not be lost.
      const { snapshot } = await client.subscribeEvents({ name: welcome.pluginId, from: 'cursor', ...(types === null ? {} : { types }) });
      await this.#registry.initAll(client, context);
      await this.#registry.broadcastSnapshot(snapshot);
    } else {
      await this.#registry.initAll(client, context);
    }
    client.connection.notify('ready');
    this.#feed.open();
  }

  /** Null: all of them. */
  #wantedEvents(config: Record<string, unknown>): EventPattern[] | null {
    const wanted = new Set<EventPattern>();
    for (const { events } of this.plugins) {
      if (events === undefined) return null;
      for (const pattern of typeof events === 'function' ? events(config) : events) wanted.add(pattern);
    }
    return [...wanted];
  }

  async #handle(event: Parameters<CorePluginRegistry['broadcastEvent']>[0]): Promise<void> {
    await this.#registry.broadcastEvent(event);
    const { snapshot } = event as { snapshot?: Snapshot };
    if (event.type === 'gap' && snapshot !== undefined) await this.#registry.broadcastSnapshot(snapshot);
  }

  #answer(method: string, params: unknown, context: CallContext): unknown {
    switch (method) {
      case '$/ping': return {};
      case 'shutdown': return this.#shutDown((params as { again?: boolean } | undefined)?.again === true);
      case 'plugin.call': return this.#call(params as { method: string; params?: unknown }, context);
      case 'plugin.configure': return this.#configure((params as { config: Record<string, unknown> }).config);
      default: throw methodNotFound(method);
    }
  }

  #call({ method, params }: { method: string; params?: unknown }, context: CallContext): unknown {
    const callable = this.#registry.plugins.find((plugin) => plugin.onCall !== undefined);
    if (callable?.onCall === undefined) throw methodNotFound(method);
    return callable.onCall(method, params, context);
  }

  async #configure(config: Record<string, unknown>): Promise<object> {
    const configurable = this.plugins.filter((plugin) => plugin.onConfig !== undefined);
    // Which events come was settled with the old settings, so new ones may need a new start.
    const needsStart = configurable.length < this.plugins.length || this.plugins.some((plugin) => typeof plugin.events === 'function');
    if (needsStart) throw methodNotFound('plugin.configure');
    for (const plugin of configurable) await plugin.onConfig?.(config);
    return {};
  }

  async #shutDown(again: boolean): Promise<object> {
    await this.#finish(again ? 'restart' : 'asked', drainMs);
    setImmediate(() => {
      this.#client?.close();
      process.exit(0);
    });
    return {};
  }

  async #end(reason: ShutdownReason, drain: number): Promise<void> {
    await this.#finish(reason, drain);
    process.exit(0);
  }

  /** However many reasons there are to end, it happens once. */
  #finish(reason: ShutdownReason, drain: number): Promise<void> {
    this.#ending ??= (async () => {
      setTimeout(() => process.exit(1), drain + shutdownMs).unref();
      await this.#feed.drain(drain);
      await this.#registry.shutdownAll(reason);
    })();
    return this.#ending;
  }

  async #giveUp(client: DaemonClient, error: HiveError): Promise<void> {
    const reason = error.next === undefined ? error.message : `${error.message} ${error.next}`;
    log('error', `It could not be started: ${reason}`);
    if (error.code !== 'INVALID_CONFIG' || client.connection.isClosed) process.exit(1);
    // Not an exit: that would look like a crash, and be tried again. Hive ends the process when it has heard.
    client.connection.notify('failed', { reason } satisfies FailedNotice);
    setTimeout(() => process.exit(1), shutdownMs);
  }
}

function log(level: LogLevel, message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${level.toUpperCase()} ${message}\n`);
}
