import { randomBytes } from 'node:crypto';
import type { LinkReport, PluginManifest, PluginReport, RememberedPlugin } from '../shared/protocol/link.js';
import type { PluginTimings } from '../shared/plugin/plugin-timings.js';
import { outputFolder, trimOutput } from './captured-output.js';
import { endProcess } from './end-process.js';
import { LaunchError, launchPlugin, type LaunchPlace } from './launch-plugin.js';
import { describeLife, nextStep, type Effect, type Happening, type Life, type Stage } from './plugin-life.js';
import { readProcess } from '../shared/process/proc-table.js';
import { watchAdopted, type WatchedProcess } from './watched-process.js';

export interface PluginSurroundings extends LaunchPlace {
  readonly timings: PluginTimings;
  /** Called with every change; never waits. */
  readonly report: (report: PluginReport) => void;
  /** Asks the daemon to send `shutdown` over the link of this run. `again`: it is started anew afterwards. */
  readonly askToShutDown: (plugin: string, run: string, again: boolean) => Promise<unknown>;
  readonly log: (message: string) => void;
}

/** Does for one plugin what plugin-life.ts decides. */
export class SupervisedPlugin {
  #life: Life;
  #process: WatchedProcess | null = null;
  #backoff: NodeJS.Timeout | undefined;
  #atRest: (() => void)[] = [];

  constructor(private manifest: PluginManifest, remembered: RememberedPlugin | undefined, private readonly surroundings: PluginSurroundings) {
    const quarantined = remembered?.quarantined ?? null;
    this.#life = {
      wanted: false,
      restarts: remembered?.restarts ?? 0,
      unstableRuns: remembered?.unstableRuns ?? 0,
      at: quarantined === null ? { stage: 'stopped' } : { stage: 'quarantined', reason: quarantined },
    };
  }

  get id(): string {
    return this.manifest.id;
  }

  /**
   * Takes over a process that an earlier host started. It may be gone by now: then that is noticed like any exit.
   * Without a link it has nothing to do any more: it gets the chance to notice, and ends.
   */
  adopt(remembered: NonNullable<RememberedPlugin['process']>): void {
    const { link, ...identity } = remembered;
    const watched = watchAdopted(identity);
    this.#life = { ...this.#life, wanted: link !== 'none', at: adoptedStage(link) };
    this.#watch(watched);
    watched.look();
    if (link === 'none') void endProcess(watched, { how: 'await', timings: this.surroundings.timings, askToShutDown: async () => {} });
    this.surroundings.log(`${this.id}: took over process ${identity.pid}`);
  }

  start(): void { this.#happen({ type: 'want' }); }
  stop(): void { this.#happen({ type: 'unwant' }); }
  restart(): void { this.#happen({ type: 'renew' }); }

  /** Its files changed: runs as the manifest says now, if it is to run at all. */
  replaceManifest(manifest: PluginManifest): void {
    this.manifest = manifest;
    const { wanted, at } = this.#life;
    if (wanted || at.stage === 'quarantined' || at.stage === 'failed') this.#happen({ type: 'renew' });
  }

  /** What the daemon sees of its link; words about another run than the present one are too late to matter. */
  heedLink(report: LinkReport): void {
    if (report.run !== this.#process?.identity.run) return;
    switch (report.link) {
      case 'ready': return this.#happen({ type: 'ready' });
      case 'unresponsive': return this.#happen({ type: 'unresponsive' });
      case 'responsive': return this.#happen({ type: 'responsive' });
      case 'hopeless': return this.#happen({ type: 'hopeless', reason: report.reason });
      case 'refused': return this.#happen({ type: 'refused', reason: report.reason });
      case 'closed':
        // Most links end because the process does: then its exit says more than the link.
        this.#process.look();
        return this.#happen({ type: 'linkClosed' });
    }
  }

  /** Looks at what grows: its memory and its output files. */
  inspect(): void {
    if (this.#process === null) return;
    const memory = readProcess(this.#process.identity.pid)?.residentBytes ?? 0;
    const limit = this.manifest.memoryLimit;
    if (memory > limit) {
      const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
      this.#happen({ type: 'hopeless', reason: `used ${megabytes(memory)} of memory, more than its limit of ${megabytes(limit)}` });
    }
    trimOutput(outputFolder(this.surroundings.logsFolder, this.id));
  }

  /** Stops the plugin and resolves when its process is gone. */
  async finish(): Promise<void> {
    this.stop();
    if (this.#isAtRest) return;
    await new Promise<void>((resolve) => this.#atRest.push(resolve));
  }

  report(event?: PluginReport['event']): PluginReport {
    const { at, restarts, unstableRuns } = this.#life;
    return {
      manifest: this.manifest,
      ...describeLife(this.#life),
      process: this.#process?.identity ?? null,
      restarts,
      unstableRuns,
      quarantined: at.stage === 'quarantined' ? at.reason : null,
      ...(event === undefined ? {} : { event }),
    };
  }

  get #isAtRest(): boolean {
    return this.#process === null && this.#life.at.stage !== 'launching';
  }

  /** The one place where its life changes. */
  #happen(happening: Happening): void {
    const before = this.#life;
    const { life, effects } = nextStep(before, happening, { now: performance.now(), random: Math.random(), timings: this.surroundings.timings });
    this.#life = life;
    const journal = effects.flatMap((effect) => (effect.do === 'journal' ? [effect.event] : []));
    if (before.at.stage !== life.at.stage) {
      const { state, reason } = describeLife(life);
      this.surroundings.log(`${this.id}: ${state}. ${journal.map((event) => ('reason' in event ? `It ${event.reason}.` : '')).join('') || reason}`);
    }
    if (journal.length === 0 && life !== before) this.surroundings.report(this.report());
    for (const event of journal) this.surroundings.report(this.report(event));
    for (const effect of effects) this.#perform(effect);
    if (this.#isAtRest) for (const resolve of this.#atRest.splice(0)) resolve();
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'launch':
        void this.#launch();
        return;
      case 'end': {
        const target = this.#process;
        if (target === null) return;
        const { askToShutDown, timings } = this.surroundings;
        void endProcess(target, { how: effect.how, timings, askToShutDown: () => askToShutDown(this.id, target.identity.run, this.#life.wanted) });
        return;
      }
      case 'wait':
        this.#backoff = setTimeout(() => this.#happen({ type: 'backoffOver' }), effect.ms);
        return;
      case 'stopWaiting':
        clearTimeout(this.#backoff);
        return;
      case 'journal':
        return;
    }
  }

  async #launch(): Promise<void> {
    const run = randomBytes(12).toString('hex');
    try {
      this.#watch(await launchPlugin(this.manifest, run, this.surroundings));
    } catch (thrown) {
      const permanent = thrown instanceof LaunchError && thrown.permanent;
      this.#happen({ type: 'launchFailed', reason: thrown instanceof Error ? thrown.message : String(thrown), permanent });
      return;
    }
    if (this.#process !== null) this.#happen({ type: 'launched', pid: this.#process.identity.pid });
  }

  #watch(watched: WatchedProcess): void {
    this.#process = watched;
    void watched.exited.then((exit) => {
      this.#process = null;
      this.#happen({ type: 'exited', ...exit });
    });
  }
}

function adoptedStage(link: 'none' | 'open' | 'ready'): Stage {
  switch (link) {
    case 'none': return { stage: 'ending', why: { kind: 'asked' }, readyForMs: null };
    case 'open': return { stage: 'starting' };
    case 'ready': return { stage: 'ready', since: performance.now() };
  }
}
