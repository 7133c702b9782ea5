import type { InstanceExit, InstanceRef } from '../runner.js';
import { readInstanceState } from './instance-state.js';
import { provenOwn } from './proven-own.js';
import { removeLeftovers, removeRecord, revokeOrders } from './record-file.js';
import { listRunFolders } from './run-folder.js';
import { settleInstance } from './settle-instance.js';
import { WatchedInstance } from './watched-instances.js';

export interface Survivors {
  readonly living: WatchedInstance[];
  readonly exited: { readonly instance: WatchedInstance; readonly end: InstanceExit }[];
}

/**
 * Reads every run folder of a home. Orders that an earlier daemon gave and that no shim has begun are taken back first:
 * afterwards a folder without a lock stays without one, even while that daemon's launcher still works off its queue.
 * `folders`: other ones than those of the instances.
 */
export async function adoptSurvivors(home: string, folders: readonly { ref: InstanceRef; folder: string }[] = listRunFolders(home)): Promise<Survivors> {
  const survivors: Survivors = { living: [], exited: [] };
  await Promise.all(
    folders.map(async ({ ref, folder }) => {
      revokeOrders(folder);
      const first = readInstanceState(folder);
      const lasting = first.kind === 'running' || first.kind === 'ended' || first.kind === 'free';
      let state = lasting ? first : await settleInstance(folder);
      if (state.kind === 'running' && !(await provenOwn(ref, state.incarnation, folder, state.main, state.shim))) {
        // Of one that has just ended nothing can be proven either, but its record says how it did.
        const again = await settleInstance(folder);
        if (again.kind === 'running') {
          removeRecord(folder, again.incarnation);
          survivors.exited.push(endOfNobody(ref, again.incarnation, folder));
          return;
        }
        state = again;
      }
      switch (state.kind) {
        case 'free':
          return;
        case 'unwritten':
          return removeRecord(folder, null);
        case 'declined':
          removeRecord(folder, state.incarnation);
          return removeLeftovers(folder, state.incarnation);
        case 'running':
          survivors.living.push(new WatchedInstance(ref, state.incarnation, folder, state.main, state.shim, null));
          return;
        case 'ended': {
          const instance = new WatchedInstance(ref, state.incarnation, folder, state.main, null, null);
          const { incarnation, main, exit, at, ranMs } = state;
          survivors.exited.push({ instance, end: { ref, incarnation, exit, at, ...(ranMs === undefined ? {} : { ranMs }), ...(main === null ? {} : { pid: main.pid, startedAt: instance.startedAt }) } });
          return;
        }
      }
    }),
  );
  return survivors;
}

/** The record named a process that is none of ours: of the incarnation's end nothing is known. */
function endOfNobody(ref: InstanceRef, incarnation: string, folder: string): Survivors['exited'][number] {
  const instance = new WatchedInstance(ref, incarnation, folder, null, null, null);
  return { instance, end: { ref, incarnation, exit: { kind: 'unknown', reason: 'Its record names a process that is not its own.' }, at: new Date() } };
}
