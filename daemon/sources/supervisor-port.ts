import type { SourceSpec } from '../../shared/config/service-spec.js';
import type { Change } from '../../shared/protocol/results.js';
import type { PendingCause } from '../state/state-store.js';

/** What the sources tell the supervisor. Calls for one source never overlap. */
export interface SupervisorPort {
  /**
   * The services of the source are now exactly these; called only after that is durable. `changes` is the difference to
   * the last call for this source, with full names (`source:service`); in a daemon that has just started every service is
   * an `add`. Empty: only the source itself has changed.
   *
   * A source that is in error and was never read well by this daemon is not announced at all: instances of it that were
   * found alive are left as they are (`SourceManager.loaded()` names the others).
   */
  applySource(spec: SourceSpec, changes: readonly Change[], cause: PendingCause): void;

  /** Stops every service of the source; resolves when no process is left. Throws STOP_FAILED with those that survive. */
  stopAll(source: string, cause: PendingCause): Promise<void>;

  /** After `stopAll`: the source is not there any more. What the operator wanted of its services outlives only `disabled`. */
  dropSource(source: string, why: 'removed' | 'disabled'): void;

  /**
   * Stops one service, calls `removal` once no process is left, and forgets it when that is done; when it throws, the
   * service stays as it was wanted. Throws STOP_FAILED with those that survive.
   */
  stopAndDrop(fqn: string, cause: PendingCause, removal: () => Promise<void>): Promise<void>;
}
