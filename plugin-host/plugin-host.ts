import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../shared/errors/hive-error.js';
import type { HostCommand, Inventory, LinkReport, PluginReport, RememberedPlugin } from '../shared/protocol/link.js';
import type { PluginTimings } from '../shared/plugin/plugin-timings.js';
import { discover, type DiscoverOptions, type Discovery, type Found } from './discover.js';
import { SupervisedPlugin, type PluginSurroundings } from './supervised-plugin.js';
import { takeOver } from './take-over.js';
import { killRun } from './run-processes.js';

export interface PluginHostOptions extends Omit<PluginSurroundings, 'report'>, DiscoverOptions {
  readonly timings: PluginTimings;
  /** One change of one plugin. */
  readonly report: (report: PluginReport) => void;
  /** All that discovery found; once at the start and after every look that found something else. */
  readonly tellInventory: (inventory: Inventory) => void;
}

/** Every plugin there is, and what is done with each. Decides nothing about which of them should run: the daemon does. */
export class PluginHost {
  readonly #plugins = new Map<string, { plugin: SupervisedPlugin; fingerprint: string }>();
  readonly #remembered: Map<string, RememberedPlugin>;
  #skipped: Inventory['skipped'] = [];
  #isClosing = false;
  #nextLook: NodeJS.Timeout | undefined;

  constructor(private readonly options: PluginHostOptions, remembered: readonly RememberedPlugin[]) {
    this.#remembered = new Map(remembered.map((plugin) => [plugin.id, plugin]));
    const heritage = takeOver(options.home, remembered);
    this.#apply(discover(options));
    for (const [id, process] of heritage) {
      const known = this.#plugins.get(id);
      if (known !== undefined) known.plugin.adopt(process);
      else killRun(process);
    }
    options.tellInventory(this.inventory());
  }

  inventory(): Inventory {
    return { plugins: [...this.#plugins.values()].map(({ plugin }) => plugin.report()), skipped: this.#skipped };
  }

  /** @throws HiveError NOT_FOUND */
  async obey(command: HostCommand): Promise<unknown> {
    switch (command.do) {
      case 'start': return this.#named(command.plugin).start();
      case 'stop': return this.#named(command.plugin).stop();
      case 'restart': return this.#named(command.plugin).restart();
      case 'rescan': return this.#rescan();
      case 'shutdown': return this.close();
    }
  }

  heedLink(report: LinkReport): void {
    this.#plugins.get(report.plugin)?.plugin.heedLink(report);
  }

  /** Takes up what was added to the plugins folder, changed or removed. What changed just now is looked at again soon. */
  lookAgain(): void {
    if (this.#isClosing) return;
    const before = JSON.stringify(this.inventory());
    const isSettled = this.#apply(discover(this.options));
    if (JSON.stringify(this.inventory()) !== before) this.options.tellInventory(this.inventory());
    clearTimeout(this.#nextLook);
    if (!isSettled) this.#nextLook = setTimeout(() => this.lookAgain(), this.options.timings.settleMs);
  }

  inspect(): void {
    for (const { plugin } of this.#plugins.values()) plugin.inspect();
  }

  /** Ends every plugin, all at the same time; resolves when their processes are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#nextLook);
    await Promise.all([...this.#plugins.values()].map(({ plugin }) => plugin.finish()));
  }

  async #rescan(): Promise<Inventory> {
    // A file that keeps changing is not waited for longer than this.
    for (let looks = 0; looks < 10 && !this.#isClosing && !this.#apply(discover(this.options)); looks++) await delay(this.options.timings.settleMs);
    this.options.tellInventory(this.inventory());
    return this.inventory();
  }

  /** Answers whether everything has been still for long enough to be trusted to be complete. */
  #apply({ found, skipped }: Discovery): boolean {
    this.#skipped = [...skipped];
    let isSettled = true;
    for (const one of found) {
      const known = this.#plugins.get(one.manifest.id);
      if (known?.fingerprint === one.fingerprint) continue;
      if (this.#isStill(one)) this.#take(one);
      else isSettled = false;
    }
    const ids = new Set(found.map(({ manifest }) => manifest.id));
    for (const [id, { plugin }] of this.#plugins) if (!ids.has(id)) void this.#drop(id, plugin);
    return isSettled;
  }

  #isStill({ changedAt }: Found): boolean {
    const age = Date.now() - changedAt;
    // A time in the future says nothing, and must not hold a plugin back until then.
    return age < 0 || age >= this.options.timings.settleMs;
  }

  #take({ manifest, fingerprint }: Found): void {
    const known = this.#plugins.get(manifest.id);
    if (known !== undefined) {
      known.fingerprint = fingerprint;
      known.plugin.replaceManifest(manifest);
      return;
    }
    const plugin = new SupervisedPlugin(manifest, this.#remembered.get(manifest.id), this.options);
    this.#plugins.set(manifest.id, { plugin, fingerprint });
  }

  /** Its files are gone. It stays known until its process is, too. */
  async #drop(id: string, plugin: SupervisedPlugin): Promise<void> {
    await plugin.finish();
    if (this.#plugins.get(id)?.plugin !== plugin || this.#isClosing) return;
    this.#plugins.delete(id);
    this.#remembered.delete(id);
    this.options.tellInventory(this.inventory());
  }

  #named(id: string): SupervisedPlugin {
    const known = this.#plugins.get(id);
    if (known === undefined) throw new HiveError('NOT_FOUND', `The plugin host knows no plugin "${id}".`, { next: 'hivectl plugin list shows the ones it knows; hivectl plugin reload looks again.' });
    return known.plugin;
  }
}
