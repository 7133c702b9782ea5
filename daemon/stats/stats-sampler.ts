import { ticksSinceBoot } from '../../shared/process/machine.js';
import { isGone, type ProcessRow } from '../../shared/process/process-row.js';
import type { HostStats, Stats } from '../../shared/protocol/results.js';
import { instanceKey, type InstanceRef } from '../runner/runner.js';
import { groupProcesses, type ProcessTree } from './group-processes.js';
import { hostTotals, readProcessorTime, ticksToMs, type ProcessorTime } from './host-totals.js';
import { countOpenFiles } from './open-files.js';
import { breather, readProcesses } from './read-processes.js';

export interface SampledInstance extends ProcessTree {
  readonly ref: InstanceRef;
}

export interface StatsSamplerOptions {
  /** The instances that run as processes of this machine, asked for anew by every sample. */
  readonly instances: () => Iterable<SampledInstance>;
  /** What all other instances use, asked of whoever knows. */
  readonly others?: () => Promise<Stats[]>;
}

export interface StatsAnswer {
  readonly stats: Stats[];
  readonly host: HostStats;
}

/** Younger samples are shared: process times are counted in hundredths of a second, so a shorter look is a rough one. */
const freshForMs = 500;
/** A sample is shared for so many times what it cost: however many ask, sampling takes at most 1 % of a core. */
const restPerCost = 100;
const longestFreshMs = 10_000;

interface Sample {
  readonly takenAtMs: number;
  readonly sharedUntilMs: number;
  /** Processor time so far by main process, in ticks. */
  readonly cpuTicks: Map<number, { readonly startTicks: number; readonly ticks: number }>;
  readonly processor: ProcessorTime;
  readonly answer: StatsAnswer;
}

/**
 * What services and the machine use. Samples only when asked, and shares one sample among all who ask at a time.
 *
 * `cpu` is the use since the sample before; for an instance that was in none, since its start, and for the host, since
 * boot: the first answer is there at once, as that of `ps` is, instead of after the time that a second look needs.
 * Children that have ended count through their parents, so that a script that runs short commands shows what it costs.
 */
export class StatsSampler {
  readonly #instances: StatsSamplerOptions['instances'];
  readonly #others: () => Promise<Stats[]>;
  #last: Sample | null = null;
  #underWay: Promise<Sample> | null = null;

  constructor(options: StatsSamplerOptions) {
    this.#instances = options.instances;
    this.#others = options.others ?? (async () => []);
  }

  /** Of everything, of one service (`source:service`) or of one instance (`source:service#2`); empty when none runs. */
  async get(fqn?: string): Promise<StatsAnswer> {
    const { stats, host } = (await this.#sample()).answer;
    return { stats: fqn === undefined ? stats : stats.filter((row) => row.fqn === fqn || row.instance === fqn), host };
  }

  async #sample(): Promise<Sample> {
    if (this.#last !== null && performance.now() < this.#last.sharedUntilMs) return this.#last;
    this.#underWay ??= this.#take(this.#last).finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #take(previous: Sample | null): Promise<Sample> {
    const cpuBefore = process.cpuUsage();
    const takenAtMs = performance.now();
    const processor = readProcessorTime();
    const nowTicks = ticksSinceBoot();
    const others = this.#others();
    const groups = groupProcesses(await readProcesses(), [...this.#instances()]);
    const breathe = breather();
    const cpuTicks: Sample['cpuTicks'] = new Map();
    const stats: Stats[] = [];
    for (const [instance, rows] of groups) {
      const main = rows.find((row) => row.pid === instance.pid);
      if (main === undefined) continue;
      const ticks = rows.reduce((sum, row) => sum + row.cpuTicks + row.childCpuTicks, 0);
      cpuTicks.set(main.pid, { startTicks: main.startTicks, ticks });
      const before = previous?.cpuTicks.get(main.pid);
      const uptimeMs = Math.max(0, ticksToMs(nowTicks - main.startTicks));
      const since = before?.startTicks === main.startTicks && previous !== null
        ? { ticks: before.ticks, ms: takenAtMs - previous.takenAtMs }
        : { ticks: 0, ms: uptimeMs };
      stats.push({ ...statsOf(instance.ref, rows), cpu: since.ms <= 0 ? 0 : Math.max(0, ticksToMs(ticks - since.ticks) / since.ms), uptimeMs });
      await breathe();
    }
    stats.push(...(await others));
    const cost = process.cpuUsage(cpuBefore);
    // All of the process's use meanwhile: never too little, and in a quiet daemon just this.
    const costMs = Math.min((cost.user + cost.system) / 1000, performance.now() - takenAtMs);
    const sample: Sample = {
      takenAtMs, cpuTicks, processor,
      sharedUntilMs: takenAtMs + Math.min(longestFreshMs, Math.max(freshForMs, costMs * restPerCost)),
      answer: { stats, host: hostTotals(previous?.processor ?? null, processor) },
    };
    this.#last = sample;
    return sample;
  }
}

function statsOf(ref: InstanceRef, rows: readonly ProcessRow[]): Omit<Stats, 'cpu' | 'uptimeMs'> {
  const living = rows.filter((row) => !isGone(row));
  return {
    fqn: `${ref.source}:${ref.service}`,
    instance: instanceKey(ref),
    memoryBytes: living.reduce((sum, row) => sum + row.residentBytes, 0),
    openFiles: living.reduce((sum, row) => sum + countOpenFiles(row.pid), 0),
    threads: living.reduce((sum, row) => sum + row.threads, 0),
  };
}
