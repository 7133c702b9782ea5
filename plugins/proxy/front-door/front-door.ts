import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { addUp, noFigures, type Figures } from '../observe/figures.js';
import { tableProblem } from '../routes/check-table.js';
import type { Applied, RouteTable } from '../routes/route-table.js';
import { startHolder } from './holder.js';
import { openListeners } from './listen-address.js';
import { controlSocketOf, nameOfSetup, tableFileOf, type Setup } from './setup.js';
import { WorkerLink } from './worker-link.js';

export interface FrontDoorOptions {
  /** Written by nobody else; not shared between front doors. */
  readonly folder: string;
  readonly setup: Setup;
  /** An endpoint that left the table has no request any more, in any worker. */
  readonly onDrained: (endpointId: string) => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

const backlog = 4096;
const answerMs = 10_000;
const againMs = 25;
/** A worker that was killed is there again within this. */
const returnMs = 2_000;

/**
 * What the plugin has of the processes that serve requests: they are found when they live already, started when they do
 * not, and kept in step with one table. They serve on when this process ends without `stop`.
 */
export class FrontDoor {
  readonly #links: (WorkerLink | null)[];
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
   * @throws HiveError CONFLICT, INVALID_CONFIG
   */
  static async open(options: FrontDoorOptions): Promise<FrontDoor> {
    const { folder, setup, log } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const door = new FrontDoor(options);
    if (await endOther(folder, nameOfSetup(setup), log)) door.#table = await readTable(folder);
    else {
      await rm(tableFileOf(folder), { force: true });
      const listeners = await freedListeners(setup.bind);
      startHolder(setup, folder, listeners);
      for (const listener of listeners) listener.close();
    }
    await Promise.all(door.#links.map((_, number) => door.#connect(number, answerMs)));
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
      await Promise.all(this.#links.map(async (link, number) => (link === null ? this.#reached(number) : this.#send(link, number))));
    } finally {
      this.#applying--;
    }
    this.#tellDrained();
    return { ok: true };
  }

  /** What all workers have counted. */
  async figures(): Promise<Figures> {
    const parts = await Promise.all(this.#links.map(async (link) => {
      const answer = await link?.ask({ type: 'figures' }).catch(() => null);
      return answer?.type === 'figures' ? answer.figures : noFigures();
    }));
    return addUp(parts);
  }

  /** Ends the processes, too. Requests may go on for `limitMs`; resolves when all are done. */
  async stop(limitMs: number): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#links.map(async (link, number) => {
      // One that was just killed is coming back, and has to be told as well.
      const told = link ?? (await reach(controlSocketOf(this.options.folder, number)));
      if (told !== null) await ended(told, limitMs);
    }));
    await rm(tableFileOf(this.options.folder), { force: true });
  }

  /** Leaves the processes to whoever opens them next. */
  detach(): void {
    this.#isEnding = true;
    for (const link of this.#links) link?.close();
  }

  /** Waits for a worker, and brings it to the present table. */
  async #connect(number: number, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!this.#isEnding) {
      const link = await WorkerLink.open(controlSocketOf(this.options.folder, number), {
        drained: () => this.#tellDrained(),
        closed: () => this.#lost(number),
      });
      if (link !== null) {
        this.#links[number] = link;
        for (const id of link.draining) this.#leaving.add(id);
        if (this.#table !== null) await this.#send(link, number);
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

  async #send(link: WorkerLink, number: number): Promise<void> {
    if (this.#table === null) return;
    const answer = await link.ask({ type: 'apply', table: this.#table }).catch(() => null);
    // A worker that died instead of answering is started again, and takes the table from its file.
    // It may be draining what left a table that an earlier plugin wrote and did not live to send.
    if (answer?.type === 'applied') for (const id of link.draining) this.#leaving.add(id);
    if (answer?.type === 'refused') this.options.log('error', `Worker ${number} of the proxy refused table ${answer.version}: ${answer.reason}`);
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
      if (this.#links.some((link) => link?.draining.has(id) === true)) continue;
      this.#leaving.delete(id);
      this.options.onDrained(id);
    }
  }
}

function endpointIds(table: RouteTable): Set<string> {
  return new Set(table.routes.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)));
}

/** A worker that is there, or comes back shortly; null when there is none. */
async function reach(path: string): Promise<WorkerLink | null> {
  const deadline = performance.now() + returnMs;
  for (;;) {
    const link = await WorkerLink.open(path, { drained: () => {}, closed: () => {} });
    // A worker that was told to end has removed its socket; one that was killed has not.
    if (link !== null || !existsSync(path) || performance.now() > deadline) return link;
    await delay(againMs);
  }
}

/** Those who held the addresses until now take a moment to let go. */
async function freedListeners(bind: readonly string[]): Promise<Server[]> {
  const deadline = performance.now() + returnMs;
  for (;;) {
    try {
      return await openListeners(bind, backlog);
    } catch (thrown) {
      if (!(thrown instanceof HiveError) || thrown.code !== 'CONFLICT' || performance.now() > deadline) throw thrown;
      await delay(againMs);
    }
  }
}

/** True: what lives in the folder is what is wanted. What else lives there is ended, however many workers it has. */
async function endOther(folder: string, wanted: string, log: FrontDoorOptions['log']): Promise<boolean> {
  let found = false;
  for (let number = 0; ; number++) {
    const link = await reach(controlSocketOf(folder, number));
    if (link === null) return found;
    if (link.hello.setup === wanted) found = true;
    else {
      log('info', `Worker ${number} of the proxy serves with other settings and is ended.`);
      await ended(link, 0);
    }
    link.close();
  }
}

/** Its socket goes at once, its connection when the process ends. */
async function ended(link: WorkerLink, limitMs: number): Promise<void> {
  await link.ask({ type: 'stop', limitMs }).catch(() => null);
  while (!link.isClosed) await delay(againMs);
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
