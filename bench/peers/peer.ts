import type { Command } from '../tools/run-command.js';
import type { BenchService } from '../tools/service-set.js';

export type PeerName = 'hive' | 'pm2' | 'supervisord' | 'runit' | 's6';

/** A supervisor that can be measured. */
export interface Peer {
  readonly name: PeerName;
  /** What to type to have it. */
  readonly howToGet: string;
  /** What it calls its version; null when it is not installed. */
  find(): Promise<string | null>;
  /** Makes everything ready for these services in `folder`; they do not run yet. */
  prepare(plan: Plan): Promise<Supervisor>;
}

export interface Plan {
  readonly folder: string;
  readonly services: readonly BenchService[];
  /** Start a service again that ended, or leave it. */
  readonly restart: boolean;
}

/** One supervisor with its services. */
export interface Supervisor {
  /** Starts all services, the way that is quickest for it; resolves when it has taken that on. */
  start(): Promise<void>;
  /** Its own processes, without the services, by what they are. */
  processes(servicePids: readonly number[]): Record<string, number[]>;
  /** How many bytes of a service's standard output are in its files now; null when it writes none by itself. */
  readonly outputBytes: ((service: string) => number) | null;
  /** One question for the state of all services; null when it has no such call. */
  readonly askStatus: (() => Promise<unknown>) | null;
  /** The command with which people ask for it. */
  readonly statusCommand: Command | null;
  /** A setting without which the restart row would not be what it says, for the reader. */
  readonly restartNote?: string;
  /** Ends the services and itself. */
  stop(): Promise<void>;
}
