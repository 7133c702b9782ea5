import { setTimeout as delay } from 'node:timers/promises';
import type { DaemonClient } from '../client/index.js';
import { HiveError } from '../errors/hive-error.js';
import type { HiveEvent } from '../protocol/events.js';
import type { CorePlugin, PluginContext, ShutdownReason, Snapshot } from './core-plugin.js';

/** Pauses, in milliseconds, before an event is handed again to a plugin that threw on it. After the last one it is skipped. */
export const retryPauses: readonly number[] = [250, 1_000, 4_000, 15_000];

export interface RegistryOptions {
  readonly log: PluginContext['log'];
  readonly retryPauses?: readonly number[];
}

/**
 * The plugins that live in one process, usually one. Whatever one of them throws is logged and reaches none of the
 * others, nor the process.
 */
export class CorePluginRegistry {
  #plugins: CorePlugin[] = [];
  #isShutDown = false;

  constructor(private readonly options: RegistryOptions) {}

  get plugins(): readonly CorePlugin[] {
    return this.#plugins;
  }

  /** @throws HiveError ALREADY_EXISTS two plugins of one name */
  register(plugin: CorePlugin): void {
    if (this.#plugins.some((other) => other.name === plugin.name)) {
      throw new HiveError('ALREADY_EXISTS', `A plugin named ${plugin.name} is registered already.`, { next: 'Give one of the two another name.' });
    }
    this.#plugins.push(plugin);
  }

  /**
   * Starts every plugin. One whose `init` throws is left out from then on.
   * @throws what the last one threw, when none is left
   */
  async initAll(client: DaemonClient, context: PluginContext): Promise<void> {
    const working: CorePlugin[] = [];
    let lastThrown: unknown;
    for (const plugin of this.#plugins) {
      try {
        await plugin.init(client, context);
        working.push(plugin);
      } catch (thrown) {
        lastThrown = thrown;
        this.options.log('error', `${plugin.name} could not be started: ${describe(thrown)}`);
      }
    }
    if (working.length === 0 && this.#plugins.length > 0) throw lastThrown;
    this.#plugins = working;
  }

  /** Hands the state of everything to every plugin that wants it. */
  async broadcastSnapshot(snapshot: Snapshot): Promise<void> {
    for (const plugin of this.#plugins) await this.#attempt(plugin, 'onSnapshot', () => plugin.onSnapshot?.(snapshot));
  }

  /** Hands an event to every plugin; resolves when each is done with it or has given it up. */
  async broadcastEvent(event: HiveEvent): Promise<void> {
    const [only] = this.#plugins;
    if (only !== undefined && this.#plugins.length === 1) return this.#deliver(only, event);
    await Promise.all(this.#plugins.map((plugin) => this.#deliver(plugin, event)));
  }

  /** Ends every plugin, the last one first. */
  async shutdownAll(reason: ShutdownReason = 'asked'): Promise<void> {
    this.#isShutDown = true;
    for (const plugin of [...this.#plugins].reverse()) await this.#attempt(plugin, 'shutdown', () => plugin.shutdown(reason));
  }

  async #deliver(plugin: CorePlugin, event: HiveEvent): Promise<void> {
    const pauses = this.options.retryPauses ?? retryPauses;
    for (let attempt = 0; ; attempt++) {
      try {
        await plugin.onEvent(event);
        return;
      } catch (thrown) {
        const pause = pauses[attempt];
        const what = `${plugin.name} failed on event ${event.seq} (${event.type}): ${describe(thrown)}`;
        if (pause === undefined) {
          this.options.log('error', `${what}. It was tried ${attempt + 1} times and is skipped.`);
          return;
        }
        this.options.log('warn', `${what}. It is tried again in ${pause} ms.`);
        await delay(pause);
        // An event that is not done when the plugin ends is not acknowledged, and comes again after the next start.
        if (this.#isShutDown) throw thrown;
      }
    }
  }

  async #attempt(plugin: CorePlugin, what: string, action: () => Promise<void> | void): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      this.options.log('error', `${plugin.name}: ${what} failed: ${describe(thrown)}`);
    }
  }
}

function describe(thrown: unknown): string {
  if (thrown instanceof HiveError) return thrown.next === undefined ? thrown.message : `${thrown.message} ${thrown.next}`;
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
