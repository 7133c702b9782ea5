import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../shared/package-root.js';
import type { ListenAddress } from './listen-address.js';

/** What a front door is started with. Another one needs new processes. */
export interface Setup {
  /** `host:port`, one or more. */
  readonly bind: readonly string[];
  readonly workers: number;
  /** Absolute; null for no access log. */
  readonly accessLog: string | null;
  readonly drainLimitMs: number;
  /** Which programs serve; `presentCode()`. */
  readonly code: string;
}

/** What a worker gets to know from the variable below, as JSON. */
export interface WorkerSetup {
  /** Where table.json and the control sockets are. */
  readonly folder: string;
  readonly setup: string;
  /** Of the listening sockets that it inherits, as descriptors from `firstDescriptor` on. */
  readonly sockets: readonly ListenAddress[];
  readonly accessLog: string | null;
  readonly drainLimitMs: number;
}

export const setupVariable = 'HIVE_PROXY_WORKER';
export const workerVariable = 'HIVE_PROXY_WORKER_NUMBER';
/** The descriptor of the first listening socket in a worker. */
export const firstDescriptor = 3;

export function nameOfSetup({ bind, workers, accessLog, drainLimitMs, code }: Setup): string {
  return createHash('sha256').update(JSON.stringify([bind, workers, accessLog, drainLimitMs, code])).digest('hex').slice(0, 16);
}

/** Changes with every version and build of the proxy, so that processes which serve by another one are replaced. */
export function presentCode(): string {
  const folder = join(import.meta.dirname, '..');
  const programs = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js')).sort().map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return [name, size, mtimeMs];
  });
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return createHash('sha256').update(JSON.stringify([version, process.execPath, process.version, folder, programs])).digest('hex').slice(0, 16);
}

export const controlSocketName = (setup: string, worker: number): string => `${setup}-${worker}.sock`;
export const isControlSocket = (name: string): boolean => name.endsWith('.sock');
export const tableFileOf = (folder: string): string => join(folder, 'table.json');
