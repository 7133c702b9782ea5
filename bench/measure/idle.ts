import { setTimeout as delay } from 'node:timers/promises';
import { ticksPerSecond } from '../../shared/process/machine.js';
import { readProcess } from '../../shared/process/proc-table.js';

/** What processes together use of a core while nobody asks anything of them, in percent. */
export async function measureIdle(pids: readonly number[], forMs: number): Promise<number> {
  const used = (): number => pids.reduce((sum, pid) => sum + (readProcess(pid)?.cpuTicks ?? 0), 0);
  const [before, beganAtMs] = [used(), performance.now()];
  await delay(forMs);
  return ((used() - before) / ticksPerSecond / ((performance.now() - beganAtMs) / 1000)) * 100;
}
