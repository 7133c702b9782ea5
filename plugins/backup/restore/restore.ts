import { HiveError } from '../../../shared/errors/hive-error.js';
import type { DaemonClient } from '../../../shared/plugin/index.js';
import type { Vault } from '../place.js';
import { inScratch } from '../worker/scratch.js';
import { runJob, type JobOptions } from '../worker/run-job.js';
import { applyRestore, type RestoreOutcome } from './apply-restore.js';
import { planRestore, serviceMeant } from './plan-restore.js';
import { describeStep, type RestorePlan } from './restore-plan.js';

export interface RestoreOrder {
  readonly vault: Vault;
  /** Null: the newest verified one. */
  readonly id: string | null;
  /** The one service to restore; null: everything. */
  readonly only: string | null;
  /** False: only say what would be done. */
  readonly apply: boolean;
  readonly dataDir: string;
}

export interface RestoreAnswer extends Omit<RestorePlan, 'steps'> {
  /** As sentences, in order. */
  readonly steps: readonly string[];
  /** Null: nothing was done yet. */
  readonly outcome: RestoreOutcome | null;
}

/** Fetches a snapshot, compares it, plans, and does what was planned where that is asked for. */
export async function restore({ vault, id, only, apply, dataDir }: RestoreOrder, daemon: DaemonClient, options: JobOptions): Promise<RestoreAnswer> {
  if (only !== null && !/^([a-z][a-z0-9-]*:)?[a-z][a-z0-9_-]*$/.test(only)) {
    throw new HiveError('INVALID_PARAMS', `${JSON.stringify(only)} is no name of a service.`, { next: 'Write source:service.' });
  }
  return inScratch(dataDir, async (folder) => {
    const { manifest, state } = await runJob('fetch', { vault, id, folder }, options);
    const situation = { manifest, folder, then: state, now: await daemon.exportState() };
    const plan = await planRestore(situation, only === null ? null : serviceMeant(manifest, only));
    const outcome = apply ? await applyRestore(plan, daemon, options.tell ?? (() => undefined)) : null;
    return { ...plan, steps: plan.steps.map(describeStep), outcome };
  });
}
