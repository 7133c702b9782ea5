import type { Supervisor } from '../peers/peer.js';
import { pssMegabytes } from '../tools/memory.js';

export interface MemoryUse {
  readonly megabytes: number;
  readonly byPart: Readonly<Record<string, number>>;
}

/** Proportional memory of a supervisor's own processes, without the services. */
export function measureMemory(supervisor: Supervisor, servicePids: readonly number[]): MemoryUse {
  const byPart = Object.fromEntries(
    Object.entries(supervisor.processes(servicePids)).map(([part, pids]) => [part, pssMegabytes(pids)]),
  );
  return { byPart, megabytes: Object.values(byPart).reduce((sum, part) => sum + part, 0) };
}
