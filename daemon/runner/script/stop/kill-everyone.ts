import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../../../../shared/process/identity.js';
import { signalGroup, signalProcess } from '../../../../shared/process/send-signal.js';
import type { ProcessRow } from '../../../../shared/process/process-row.js';
import { identityOfRow } from './instance-tree.js';

const killForMs = 2_000;

/**
 * The last rung: SIGKILL to everyone, again and again while new ones are found, for at most 2 s. The group is killed in
 * one call first, so that what forks in it cannot run away. Returns who is still alive then.
 */
export async function killEveryone(main: ProcessIdentity | null, members: () => Promise<ProcessRow[]>): Promise<ProcessRow[]> {
  const started = performance.now();
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    if (main !== null) signalGroup(main, 'SIGKILL');
    const alive = await members();
    if (alive.length === 0) return [];
    for (const row of alive) signalProcess(identityOfRow(row), 'SIGKILL');
    if (performance.now() - started > killForMs) return alive;
    await sleep(pauseMs);
  }
}
