import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What a front door is started with. Another one needs new processes. */
export interface Setup {
  /** `host:port`, one or more. */
  readonly bind: readonly string[];
  readonly workers: number;
  /** Absolute; null for no access log. */
  readonly accessLog: string | null;
  readonly drainLimitMs: number;
}

/** What a worker gets to know from the variable below, as JSON. */
export interface WorkerSetup {
  /** Where table.json and the control sockets are. */
  readonly folder: string;
  readonly setup: string;
  /** Inherited listening sockets. */
  readonly descriptors: readonly number[];
  readonly accessLog: string | null;
  readonly drainLimitMs: number;
}

export const setupVariable = 'HIVE_PROXY_WORKER';
export const workerVariable = 'HIVE_PROXY_WORKER_NUMBER';

/** A change in how plugin and workers speak makes another setup, too. */
const protocol = 1;

export function nameOfSetup(setup: Setup): string {
  return createHash('sha256').update(JSON.stringify([protocol, setup.bind, setup.workers, setup.accessLog, setup.drainLimitMs])).digest('hex').slice(0, 16);
}

export const controlSocketOf = (folder: string, worker: number): string => join(folder, `worker-${worker}.sock`);
export const tableFileOf = (folder: string): string => join(folder, 'table.json');
