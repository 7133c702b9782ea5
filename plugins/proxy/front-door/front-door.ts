import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { addUp, noFigures, type Figures } from '../observe/figures.js';
import { tableProblem } from '../routes/check-table.js';
import type { Applied, RouteTable } from '../routes/route-table.js';
import { findWorkers } from './find-workers.js';
import { endHolder } from './holder.js';
import { openDoor } from './open-door.js';
import { controlSocketName, nameOfSetup, tableFileOf, type Setup } from './setup.js';
import { WorkerLink, type LinkListener } from './worker-link.js';

export interface FrontDoorOptions {
  /** Written by nobody else; not shared between front doors. */
  readonly folder: string;
  readonly setup: Setup;
  /** An endpoint that left the table has no request any more, in any worker. */
  readonly onDrained: (endpointId: string) => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

const answerMs = 10_000;
const againMs = 25;

/**
 * What the plugin has of the processes that serve requests: they are found when they live already, started when they do
 * not, and kept in step with one table. They serve on when this process ends without `stop`. Those that serve with other
 * settings, or by other programs, hand over their sockets and retire.
 */
export class FrontDoor {
  readonly #links: (WorkerLink | null)[];
  /** Of workers that accept nothing any more and finish what they have. */
  readonly #retired = new Set<WorkerLink>();
  #table: RouteTable | null = null;
  /** Endpoints that left the table and of which nobody has been told yet that they are drained. */
  readonly #leaving = new Set<string>();
  /** Tables on their way to workers. Meanwhile it is not known which endpoints each of them is draining. */
  #applying = 0;
  #isEnding = false;

  private constructor(private readonly options: FrontDoorOptions) {
    this.#links = Array.from({ length: options.setup.workers }, () => null);
  }

  /**
   * Takes over the front door that is there, or opens one. Nothing is served before the first table.
   * @throws HiveError CONFLICT, INVALID_CONFIG: what was there serves on
   */
  static async open(options: FrontDoorOptions): Promise<FrontDoor> {
    const { folder, setup, log } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const door = new FrontDoor(options);
    const found = await findWorkers(folder, (name) => door.#listenerOf(name));
    const isWanted = ({ hello }: WorkerLink): boolean => hello.setup === nameOfSetup(setup) && !hello.isRetired;
    const others = found.filter((link) => !isWanted(link));
    const holder = found.some(isWanted) ? null : await openDoor(others, { folder, setup, log });
    door.#table = await readTable(folder);
    try {
      await Promise.all(door.#links.map((_, number) => door.#connect(number, answerMs)));
    } catch (thrown) {
      if (holder !== null) endHolder(holder);
      throw thrown;
    }
    for (const link of found) {
      if (isWanted(link)) link.close();
      else door.#retire(link);
    }
    return door;
  }

  /** Endpoints that left the table and still have requests, in some worker. */
  get draining(): string[] {
    return [...this.#leaving];
  }

  /** Every worker serves by this table when it resolves; or none does, and the table before it stays. */
  async apply(table: RouteTable): Promise<Applied> {
    const problem = tableProblem(table);
    if (problem !== null) return { ok: false, reason: problem };
    await writeTable(this.options.folder, table);
    const before = this.#table;
    this.#table = table;
    const present = endpointIds(table);
    for (const id of present) this.#leaving.delete(id);
    for (const id of before === null ? [] : endpointIds(before)) if (!present.has(id)) this.#leaving.add(id);
    this.#applying++;
    try {
      await Promise.all([
        ...this.#links.map((link, number) => (link === null ? this.#reached(number) : this.#send(link))),
        ...[...this.#retired].map((link) => this.#send(link)),
      ]);
    } finally {
      this.#applying--;
    }
    this.#tellDrained();
    return { ok: true };
  }

  /** What all workers have counted. */
  async figures(): Promise<Figures> {
    const parts = await Promise.all([...this.#links, ...this.#retired].map(async (link) => {
      const answer = await link?.ask({ type: 'figures' }).catch(() => null);
      return answer?.type === 'figures' ? answer.figures : noFigures();
    }));
    return addUp(parts);
  }

  /** Ends the processes, too. Requests may go on for `limitMs`; resolves when all are done. */
  async stop(limitMs: number): Promise<void> {
    this.#isEnding = true;
    const { folder } = this.options;
    // Found anew: one that was just killed is coming back, and has to be told as well.
    const all = await findWorkers(folder, () => ({ drained: () => {}, closed: () => {} }));
    await Promise.all(all.map((link) => link.ended(limitMs)));
    this.detach();
    await rm(tableFileOf(folder), { force: true });
  }

  /** Leaves the processes to whoever opens them next. */
  detach(): void {
    this.#isEnding = true;
    for (const link of [...this.#links, ...this.#retired]) link?.close();
  }

  /** It finishes what it has, while others serve in its place. */
  #retire(link: WorkerLink): void {
    this.#retired.add(link);
    for (const id of link.draining) this.#leaving.add(id);
    if (link.hello.isRetired) return;
    this.options.log('info', `Process ${link.hello.pid} of the proxy hands over to others, which serve with new settings or by another version.`);
    void link.ask({ type: 'retire', limitMs: this.options.setup.drainLimitMs }).catch(() => undefined);
  }

  /** Of a worker that may retire. */
  #listenerOf(name: string): LinkListener {
    return {
      drained: () => this.#tellDrained(),
      closed: () => {
        for (const link of this.#retired) if (link.socketName === name) this.#retired.delete(link);
        this.#tellDrained();
      },
    };
  }

  /** Waits for a worker, and brings it to the present table. */
  async #connect(number: number, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!this.#isEnding) {
      const name = controlSocketName(nameOfSetup(this.options.setup), number);
      const link = await WorkerLink.open(this.options.folder, name, {
        drained: () => this.#tellDrained(),
        closed: () => this.#lost(number),
      });
      if (link !== null) {
        this.#links[number] = link;
        for (const id of link.draining) this.#leaving.add(id);
        if (this.#table !== null) await this.#send(link);
        return;
      }
      if (performance.now() > deadline) {
        throw new HiveError('SPAWN_FAILED', `Worker ${number} of the proxy does not answer.`, { next: 'Look at the output of the plugin for why it could not start.' });
      }
      await delay(againMs);
    }
  }

  /** A worker that is being started again gets the table when it is there. */
  async #reached(number: number): Promise<void> {
    const deadline = performance.now() + answerMs;
    while (this.#links[number]?.version !== this.#table?.version && !this.#isEnding) {
      if (performance.now() > deadline) throw new HiveError('TIMEOUT', `Worker ${number} of the proxy is not there to take the table.`, { next: 'Look at the output of the plugin for why it cannot start.' });
      await delay(againMs);
    }
  }

  async #send(link: WorkerLink): Promise<void> {
    if (this.#table === null) return;
    const answer = await link.ask({ type: 'apply', table: this.#table }).catch(() => null);
    // A worker that died instead of answering is started again, and takes the table from its file.
    // It may be draining what left a table that an earlier plugin wrote and did not live to send.
    if (answer?.type === 'applied') for (const id of link.draining) this.#leaving.add(id);
    if (answer?.type === 'refused') this.options.log('error', `Process ${link.hello.pid} of the proxy refused table ${answer.version}: ${answer.reason}`);
  }

  #lost(number: number): void {
    this.#links[number] = null;
    this.#tellDrained();
    if (this.#isEnding) return;
    this.options.log('warn', `Worker ${number} of the proxy ended and is started again.`);
    this.#connect(number, answerMs).catch((error: unknown) => {
      this.options.log('error', error instanceof Error ? error.message : String(error));
      if (!this.#isEnding) this.#lost(number);
    });
  }

  #tellDrained(): void {
    if (this.#applying > 0) return;
    for (const id of [...this.#leaving]) {
      if ([...this.#links, ...this.#retired].some((link) => link?.draining.has(id) === true)) continue;
      this.#leaving.delete(id);
      this.options.onDrained(id);
    }
  }
}

function endpointIds(table: RouteTable): Set<string> {
  return new Set(table.routes.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)));
}

async function readTable(folder: string): Promise<RouteTable | null> {
  return readFile(tableFileOf(folder), 'utf8').then((text) => JSON.parse(text) as RouteTable, () => null);
}

/** A whole table or the one before, whatever happens meanwhile. */
async function writeTable(folder: string, table: RouteTable): Promise<void> {
  const path = tableFileOf(folder);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(table));
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
