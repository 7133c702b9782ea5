import type { ContainerStats } from 'dockerode';
import type { EngineConnection } from './engine-connection.js';
import type { Flavour } from './flavour.js';

export interface ContainerUsage {
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly threads: number;
}

/** What containers use; remembers the last look at each, so that `cpu` is the use since then, and since its start at first. */
export class UsageOfContainers {
  private readonly before = new Map<string, { readonly cpuNs: number; readonly atMs: number }>();

  constructor(private readonly connection: EngineConnection, private readonly flavour: Flavour) {}

  async of(container: string, startedAt: Date): Promise<ContainerUsage> {
    const options = { stream: false as const, ...(this.flavour.oneShotStats ? { 'one-shot': true } : {}) };
    const stats: ContainerStats = await this.connection.call((engine) => engine.getContainer(container).stats(options));
    const cpuNs = stats.cpu_stats.cpu_usage.total_usage;
    const atMs = Date.now();
    const before = this.before.get(container) ?? { cpuNs: 0, atMs: startedAt.getTime() };
    this.before.set(container, { cpuNs, atMs });
    const { usage = 0, stats: details } = stats.memory_stats as { usage?: number; stats?: { total_inactive_file?: number; inactive_file?: number } };
    return {
      cpu: Math.max(0, (cpuNs - before.cpuNs) / 1e6) / Math.max(1, atMs - before.atMs),
      // The page cache that can be had back at once is not counted, as `docker stats` does not.
      memoryBytes: Math.max(0, usage - (details?.total_inactive_file ?? details?.inactive_file ?? 0)),
      threads: (stats as { pids_stats?: { current?: number } }).pids_stats?.current ?? 0,
    };
  }

  forget(container: string): void {
    this.before.delete(container);
  }
}
