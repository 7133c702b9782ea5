import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { HiveError, toHiveError } from '../../shared/errors/index.js';
import type { DaemonClient, PluginContext } from '../../shared/plugin/index.js';
import type { RouteTable } from '../../shared/protocol/results.js';
import { FrontDoor } from './front-door/front-door.js';
import { nameOfSetup, presentCode, type Setup } from './front-door/setup.js';
import { noFigures, type Figures } from './observe/figures.js';
import type { Route } from './routes/route-table.js';
import type { Settings } from './settings.js';

/** How long after a refusal the same table is tried again: a taken address may become free. */
const againMs = 2_000;

/** Applies tables one after the other, the newest first; a table that came and was overtaken is never applied. */
export class TableKeeper {
  #door: FrontDoor | null = null;
  #newest: RouteTable | null = null;
  #isBusy = false;
  #opening: Promise<FrontDoor> | null = null;
  /** The name of the setup that it was opened with. */
  #opened = '';
  readonly #code = presentCode();

  constructor(private readonly client: DaemonClient, private readonly context: PluginContext, private readonly settings: Settings) {}

  async figures(): Promise<Figures> {
    return this.#door?.figures() ?? noFigures();
  }

  /** Ends the front door; requests may go on for `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    // One that is just being opened must not stay behind.
    await this.#opening?.catch(() => undefined);
    await this.#door?.stop(limitMs);
    await this.client.unsubscribeRoutes().catch(() => undefined);
  }

  /** Leaves the front door to the next plugin: it serves on. */
  leave(): void {
    this.#door?.detach();
  }

  want(table: RouteTable): void {
    this.#newest = table;
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let table = this.#newest; table !== null; table = this.#newest) {
      this.#newest = null;
      const refusal = await this.#apply(table).catch((thrown: unknown) => toHiveError(thrown));
      if (refusal === null) continue;
      const reason = refusal.next === undefined ? refusal.message : `${refusal.message} ${refusal.next}`;
      this.context.log('error', reason);
      await this.client.nackRoutes({ version: table.version, reason }).catch(() => undefined);
      await delay(againMs);
      this.#newest ??= table;
    }
    this.#isBusy = false;
  }

  async #apply(table: RouteTable): Promise<null> {
    await this.#open(table.bind);
    const applied = await this.#door?.apply({ version: table.version, routes: table.routes.map(asRoute) });
    if (applied?.ok === false) throw new HiveError('CONFLICT', applied.reason);
    await this.client.ackRoutes({ version: table.version, listening: table.bind.map((address) => `http://${address}`), draining: this.#door?.draining ?? [] });
    return null;
  }

  /** The door that is there serves on until another one is: also when that cannot be opened. */
  async #open(bind: readonly string[]): Promise<void> {
    const { workers, accessLog, drainLimitMs } = this.settings;
    const setup: Setup = { bind, workers, drainLimitMs, accessLog: accessLog ? join(this.context.dataDir, 'access.log') : null, code: this.#code };
    const name = nameOfSetup(setup);
    if (this.#opened === name) return;
    const opening = (this.#opening = FrontDoor.open({
      folder: join(this.context.dataDir, 'front-door'),
      setup,
      onDrained: (endpoint) => void this.client.drainedRoutes({ endpoint }).catch(() => undefined),
      log: this.context.log,
    }));
    const door = await opening;
    this.#door?.detach();
    this.#door = door;
    this.#opened = name;
  }
}

function asRoute({ reason, ...route }: RouteTable['routes'][number]): Route {
  return reason === null ? route : { ...route, reason };
}
