import { ticksPerSecond } from '../../shared/process/machine.js';
import { readProcess } from '../../shared/process/proc-table.js';

/** `cpu`: fraction of one core since the last look, or over the last second or more. */
export interface Usage { readonly cpu: number | null; readonly memoryBytes: number | null }

interface Sample { readonly at: number; readonly cpuTicks: number; readonly cpu: number | null }

const shortestSpanMs = 1_000;

/** What processes use, measured when somebody asks; nothing runs in between. */
export class ProcessUsage {
  readonly #samples = new Map<number, Sample>();

  of(pid: number): Usage {
    const row = readProcess(pid);
    if (row === null) {
      this.#samples.delete(pid);
      return { cpu: null, memoryBytes: null };
    }
    const at = performance.now();
    const before = this.#samples.get(pid);
    if (before === undefined || row.cpuTicks < before.cpuTicks) {
      this.#samples.set(pid, { at, cpuTicks: row.cpuTicks, cpu: null });
      return { cpu: null, memoryBytes: row.residentBytes };
    }
    const span = at - before.at;
    if (span < shortestSpanMs && before.cpu !== null) return { cpu: before.cpu, memoryBytes: row.residentBytes };
    const cpu = (row.cpuTicks - before.cpuTicks) / ticksPerSecond / (span / 1000);
    if (span >= shortestSpanMs) this.#samples.set(pid, { at, cpuTicks: row.cpuTicks, cpu });
    return { cpu: Math.round(cpu * 1000) / 1000, memoryBytes: row.residentBytes };
  }

  /** Forgets processes that are not among these. */
  keep(pids: ReadonlySet<number>): void {
    for (const pid of this.#samples.keys()) if (!pids.has(pid)) this.#samples.delete(pid);
  }
}
