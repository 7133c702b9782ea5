import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from '../../../../shared/process/identity.js';
import type { ProcessRow } from '../../../../shared/process/process-row.js';
import type { InstanceRef, StopOptions, StopReport } from '../../runner.js';
import { loopShare } from '../loop-share.js';
import { killEveryone } from './kill-everyone.js';
import { signalServiceGroup } from './signal-group.js';
import { signalStrays } from './signal-strays.js';
import { describeProcess, stopFailed } from './survivors.js';

/** What the ladder needs to know of an instance. */
export interface StopTarget {
  readonly ref: InstanceRef;
  readonly main: ProcessIdentity | null;
  /** Settles when the main process's end is on record. */
  readonly ended: Promise<unknown>;
  /** The instance's living processes, looked at after the call. */
  readonly members: () => Promise<ProcessRow[]>;
}

const mainLookEveryMs = 100;
const longestPauseMs = 100;
const tellEveryMs = 1_000;

/**
 * Climbs down until nothing of the instance is left: the declared signal to its group; when the group is gone, the same
 * to strays; after the grace period SIGKILL to all. Returns how far it had to go.
 * Throws STOP_FAILED naming who outlived all of it.
 */
export async function climbDown(target: StopTarget, options: StopOptions): Promise<StopReport['by']> {
  const started = performance.now();
  const deadline = started + options.graceMs;
  const { main, members } = target;

  if ((await members()).length === 0) return 'already-gone';
  const told = new Map<number, number>();
  if (main !== null && isAlive(main)) await signalServiceGroup(main, options.signal);
  else signalStrays(await members(), null, options.signal, told);

  let tellAt = started + tellEveryMs;
  const tell = async (): Promise<void> => {
    if (options.onWaiting === undefined || performance.now() < tellAt) return;
    tellAt = performance.now() + tellEveryMs;
    options.onWaiting((await members()).map(describeProcess));
  };

  // While the main process lives, its shim's word wakes this up and nothing is scanned.
  while (main !== null && isAlive(main) && performance.now() < deadline) {
    await Promise.race([target.ended, pause(Math.min(mainLookEveryMs, deadline - performance.now()))]);
    await loopShare();
    await tell();
  }
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const alive = await members();
    if (alive.length === 0) return 'signal';
    if (performance.now() >= deadline) break;
    if (!alive.some((row) => row.groupId === main?.pid)) signalStrays(alive, main?.pid ?? null, options.signal, told);
    await tell();
    await sleep(Math.max(0, Math.min(pauseMs, deadline - performance.now())));
  }

  const survivors = await killEveryone(main, members);
  if (survivors.length > 0) throw stopFailed(target.ref, survivors);
  return 'kill';
}

/** A pause that does not hold the process open, for the losing side of a race. */
function pause(ms: number): Promise<void> {
  return sleep(Math.max(0, ms), undefined, { ref: true });
}
