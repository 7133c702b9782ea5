import { setTimeout as delay } from 'node:timers/promises';
import { HiveError, type DaemonClient, type PluginContext } from '../../shared/plugin/index.js';
import type { Service } from '../../shared/client/index.js';
import { conditionOf } from './condition.js';
import type { Decision } from './decide.js';
import type { Pause, Pauses } from './pauses.js';
import { sampleEveryMs, type Settings } from './settings.js';
import type { Figures, Measured } from './usage.js';
import { WatchedService } from './watched-service.js';
import { instances as inWords } from './words.js';

/** A daemon that takes longer for an answer is as good as away; the next look comes soon. Milliseconds. */
const patience = { deadlineMs: 10_000 };

export type Mode = 'active' | 'dry-run' | 'paused';

/** What the autoscaler makes of a service, and whether it may act on it. */
export interface Judgement {
  readonly service: Service;
  readonly mode: Mode;
  readonly pause: Pause | null;
  readonly measured: Measured;
  readonly decision: Decision;
}

/** Looks at what services use, decides, and asks the daemon for more or fewer instances; one service's trouble is its own. */
export class Autoscaler {
  readonly #watched = new Map<string, WatchedService>();
  readonly #told = new Map<string, string>();
  #latest = new Map<string, Judgement>();
  #checkedAt: Date | null = null;
  #progressAtMs = performance.now();
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly client: DaemonClient, private readonly context: PluginContext, private readonly pauses: Pauses, private settings: Settings) {}

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  configure(settings: Settings): void {
    this.settings = settings;
  }

  /** For how long nothing was looked at, successfully or not. Milliseconds. */
  get silentForMs(): number {
    return performance.now() - this.#progressAtMs;
  }

  get checkedAt(): Date | null {
    return this.#checkedAt;
  }

  /** The outcome of the last check. */
  get latest(): readonly Judgement[] {
    return [...this.#latest.values()];
  }

  /** What it would do about a service this very moment. Remembers nothing of it. */
  judge(service: Service): Judgement {
    return this.#judge(service, performance.now(), false);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let checkAtMs = performance.now();
    let nextMs = checkAtMs;
    while (!signal.aborted) {
      const now = performance.now();
      const isCheck = now >= checkAtMs - 1;
      try {
        // The services first: figures are then of instances that are known.
        const services = isCheck || this.#watched.size === 0 ? await this.#listScaled() : null;
        await this.#look();
        if (services !== null && isCheck) await this.#check(services);
      } catch (thrown) {
        if (!signal.aborted) this.context.log('warn', `The daemon could not be asked: ${(thrown as Error).message}`);
      }
      this.#progressAtMs = performance.now();
      if (isCheck) checkAtMs = Math.max(checkAtMs + this.settings.checkIntervalMs, performance.now());
      nextMs = Math.max(nextMs + sampleEveryMs(this.settings), performance.now());
      // New settings may want it sooner than the old ones had planned.
      checkAtMs = Math.min(checkAtMs, performance.now() + this.settings.checkIntervalMs);
      await delay(Math.max(0, Math.min(nextMs, checkAtMs) - performance.now()), undefined, { signal }).catch(() => undefined);
    }
  }

  async #listScaled(): Promise<Service[]> {
    const { services } = await this.client.listServices({}, patience);
    const scaled = services.filter(({ scale }) => scale !== undefined);
    const names = new Set(scaled.map(({ fqn }) => fqn));
    for (const fqn of this.#watched.keys()) if (!names.has(fqn)) this.#forget(fqn);
    for (const fqn of names) if (!this.#watched.has(fqn)) this.#watched.set(fqn, new WatchedService(performance.now()));
    return scaled;
  }

  async #look(): Promise<void> {
    if (this.#watched.size === 0) return;
    const { stats } = await this.client.getStats({}, patience);
    const byService = new Map<string, Map<string, Figures>>();
    for (const { fqn, instance, cpu, memoryBytes } of stats) {
      if (!this.#watched.has(fqn)) continue;
      const figures = byService.get(fqn) ?? new Map<string, Figures>();
      byService.set(fqn, figures.set(instance, { cpu, memoryBytes }));
    }
    const now = performance.now();
    const measuring = this.#measuring();
    for (const [fqn, watched] of this.#watched) watched.look(now, byService.get(fqn) ?? new Map(), measuring);
  }

  async #check(services: readonly Service[]): Promise<void> {
    const judged = new Map<string, Judgement>();
    for (const service of services) {
      const judgement = this.#judge(service, performance.now(), true);
      judged.set(service.fqn, judgement);
      await this.#act(judgement);
    }
    this.#latest = judged;
    this.#checkedAt = new Date();
    this.context.status(summary(this.latest, this.#checkedAt));
  }

  #judge(service: Service, nowMs: number, remembers: boolean): Judgement {
    const { fqn, scale } = service;
    if (scale === undefined) throw new HiveError('INVALID_PARAMS', `${fqn} has no scale section, so the autoscaler leaves it alone.`, { next: 'Give it one, such as scale: {min: 1, max: 4}.' });
    const watched = this.#watched.get(fqn) ?? new WatchedService(nowMs);
    const measured = watched.measured(service.instances.map(({ id }) => id), nowMs, this.#measuring());
    const decision = watched.decide(scale, conditionOf(service), measured, nowMs, remembers);
    const pause = this.pauses.of(fqn);
    const { dryRun } = this.settings;
    const mode = pause !== null ? 'paused' : dryRun === 'all' || dryRun.includes(fqn) ? 'dry-run' : 'active';
    return { service, mode, pause, measured, decision };
  }

  async #act({ service: { fqn, scale }, mode, decision }: Judgement): Promise<void> {
    if (decision.kind === 'hold' || scale === undefined) {
      this.#told.delete(fqn);
      return;
    }
    const sentence = `${fqn}: from ${scale.instances} to ${inWords(decision.to)}, since ${decision.why}`;
    if (mode !== 'active') return this.#tellOnce(fqn, `${mode}, so it was not scaled`, sentence);
    try {
      // Only if nobody has scaled it since it was looked at.
      await this.client.scaleService({ fqn, instances: decision.to, ifInstances: scale.instances, reason: decision.why.slice(0, 500) }, patience);
      this.#watched.get(fqn)?.scaled(decision.to, performance.now());
      this.context.log('info', sentence);
    } catch (thrown) {
      this.#tellOnce(fqn, `it could not be scaled: ${(thrown as Error).message}`, sentence);
    }
  }

  /** What comes back with every check is said only when it changes. */
  #tellOnce(fqn: string, what: string, sentence: string): void {
    if (this.#told.get(fqn) === what) return;
    this.#told.set(fqn, what);
    this.context.log('info', `${sentence} (${what})`);
  }

  #measuring(): { windowMs: number; everyMs: number } {
    return { windowMs: this.settings.windowMs, everyMs: sampleEveryMs(this.settings) };
  }

  #forget(fqn: string): void {
    this.#watched.delete(fqn);
    this.#told.delete(fqn);
  }
}

/** For `hivectl plugin list`: a time that stands still tells that it does. */
function summary(judgements: readonly Judgement[], at: Date): string {
  const paused = judgements.filter(({ mode }) => mode === 'paused').length;
  const dry = judgements.filter(({ mode }) => mode === 'dry-run').length;
  const beside = [...(paused > 0 ? [`${paused} paused`] : []), ...(dry > 0 ? [`${dry} in dry run`] : [])];
  const services = judgements.length === 1 ? '1 service' : `${judgements.length} services`;
  return `It looked at ${services} at ${at.toISOString().slice(11, 19)} UTC${beside.length > 0 ? ` (${beside.join(', ')})` : ''}.`;
}
