import type { Stage } from './behaviours.js';
import type { RunnerType } from './own-ways.js';
import type { TestHive } from '../../support/test-hive.js';

/** One runner, as the conformance suite sees it. What differs between runners is here, and nowhere in the suite. */
export interface Subject {
  readonly type: RunnerType;
  /** The `runner:` of a service that runs this program text by a shell; `http`: it serves what `server` says, on its port http. */
  readonly runner: (program: string, options?: { readonly http?: boolean }) => unknown;
  /** A program that answers `GET /` with the number of its instance. */
  server(hive: TestHive): string;
  /** A shell expression for a file that only this instance sees, or that at least has its name. */
  privateFile(hive: TestHive, name: string): string;
  /** How an end by SIGKILL is told: an engine says 137, as a shell does. */
  readonly killed: { readonly code: number | null; readonly signal: string | null };
  /** What of a home's services is there, running or not: processes, or containers. */
  there(hive: TestHive): string[];
  /** Every word and label that a running service shows to whoever lists what runs. */
  shownToOthers(hive: TestHive): string;
  /** Where its ports answer, if not at 127.0.0.1. */
  readonly host?: string;
  /** The main process in a container, where Hive does not say it because it may be on another machine. */
  readonly pidOf?: (container: string) => number;
  /** Behaviours that are a cluster's own work, and are seen in another way; by name. `ownWays` has the words for them. */
  readonly own?: Readonly<Record<string, (stage: Stage) => Promise<void>>>;
}
