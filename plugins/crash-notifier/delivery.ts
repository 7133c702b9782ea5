import type { LogLevel } from '../../shared/plugin/index.js';
import type { Outbox } from './outbox.js';

/** What one attempt came to. `retryAfterMs`: the other side asked for that much time. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly retryAfterMs?: number };

export interface DeliveryOptions {
  readonly outbox: Outbox;
  /** By the name of the target, which is the last part of a notification's name. */
  readonly targets: Readonly<Record<string, (content: string) => Promise<Outcome>>>;
  readonly retries: number;
  readonly log: (level: LogLevel, message: string) => void;
}

interface Entry { readonly name: string; attempts: number; dueAt: number }

const parallel = 4;
/** So many may wait; then events are no longer taken, and wait in the daemon's journal. */
const mostWaiting = 10_000;
const firstPauseMs = 1_000;
const longestPauseMs = 300_000;
const longestRetryAfterMs = 3_600_000;

/** Delivers what is in the outbox, a few at a time, each until it is delivered or has been tried often enough. */
export class Delivery {
  readonly #waiting = new Map<string, Entry>();
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #idle: (() => void)[] = [];
  #room: (() => void)[] = [];

  constructor(private readonly options: DeliveryOptions) {}

  /** What waits from earlier runs is delivered first. */
  async resume(): Promise<number> {
    const names = await this.options.outbox.list();
    for (const name of names) this.#enqueue(name);
    return names.length;
  }

  /** Resolves when the notification is safe; it is delivered from then on. Waits while far too many are. */
  async add(id: string, content: string): Promise<void> {
    while (this.#waiting.size >= mostWaiting) await new Promise<void>((resolve) => this.#room.push(resolve));
    for (const target of Object.keys(this.options.targets)) {
      const name = `${id}.${target}.json`;
      if (this.#waiting.has(name)) continue;
      await this.options.outbox.put(name, content);
      this.#enqueue(name);
    }
  }

  /** Begins no attempt any more and waits for those that run, so long. What is not delivered stays in the outbox. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (this.#running === 0) return;
    const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
    await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, withinMs).unref())]);
  }

  #enqueue(name: string): void {
    this.#waiting.set(name, { name, attempts: 0, dueAt: performance.now() });
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    const now = performance.now();
    let next = Infinity;
    for (const entry of this.#waiting.values()) {
      if (this.#running >= parallel) return;
      if (entry.dueAt <= now) void this.#attempt(entry);
      else next = Math.min(next, entry.dueAt);
    }
    if (next < Infinity) this.#timer = setTimeout(() => this.#pump(), next - now + 1);
  }

  async #attempt(entry: Entry): Promise<void> {
    entry.dueAt = Infinity;
    this.#running++;
    try {
      await this.#deliver(entry);
    } catch (thrown) {
      this.#failed(entry, { reason: thrown instanceof Error ? thrown.message : String(thrown) });
    }
    this.#running--;
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#waiting.size < mostWaiting) for (const resolve of this.#room.splice(0)) resolve();
    this.#pump();
  }

  async #deliver(entry: Entry): Promise<void> {
    const { outbox, targets, log, retries } = this.options;
    const target = targets[entry.name.split('.').at(-2) ?? ''];
    const content = await outbox.read(entry.name);
    if (target === undefined || content === null) {
      // Its target is no longer configured.
      this.#waiting.delete(entry.name);
      await outbox.putAside(entry.name);
      return;
    }
    entry.attempts++;
    const outcome = await target(content);
    if (outcome.ok) {
      this.#waiting.delete(entry.name);
      await outbox.delivered(entry.name);
      log('info', `${entry.name} was delivered${entry.attempts === 1 ? '' : `, at attempt ${entry.attempts}`}.`);
    } else if (entry.attempts > retries) {
      this.#waiting.delete(entry.name);
      await outbox.putAside(entry.name);
      log('error', `${entry.name} could not be delivered in ${entry.attempts} attempts and lies in undelivered/ now: ${outcome.reason}`);
    } else {
      this.#failed(entry, outcome);
    }
  }

  #failed(entry: Entry, { reason, retryAfterMs = 0 }: { reason: string; retryAfterMs?: number }): void {
    const backoff = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, entry.attempts - 1)) * (0.8 + 0.4 * Math.random());
    const pause = Math.max(backoff, Math.min(retryAfterMs, longestRetryAfterMs));
    entry.dueAt = performance.now() + pause;
    this.options.log('warn', `${entry.name}: ${reason} Attempt ${entry.attempts + 1} comes in ${Math.round(pause / 100) / 10} s.`);
  }
}
