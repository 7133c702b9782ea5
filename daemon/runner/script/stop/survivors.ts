import { HiveError } from '../../../../shared/errors/hive-error.js';
import { commandOf } from '../../../../shared/process/proc-table.js';
import type { ProcessRow } from '../../../../shared/process/process-row.js';
import { instanceKey, type InstanceRef, type LiveProcess } from '../../runner.js';

export function describeProcess(row: ProcessRow): LiveProcess {
  return { pid: row.pid, command: commandOf(row) };
}

/** The error for what outlived SIGKILL, naming each process and, where its state tells, why it could. */
export function stopFailed(ref: InstanceRef, survivors: readonly ProcessRow[], command: (row: ProcessRow) => string = commandOf): HiveError {
  const named = survivors.map((row) => ({ pid: row.pid, command: command(row), state: row.state }));
  const said = named.map(({ pid, command: line, state }) => `pid ${pid} (${line}${stateReason(state)})`).join(', ');
  const stuck = named.some(({ state }) => state === 'D');
  return new HiveError('STOP_FAILED', `${instanceKey(ref)} was killed, but of its processes ${named.length === 1 ? 'one is' : `${named.length} are`} still alive: ${said}.`, {
    next: stuck
      ? 'A process in an uninterruptible wait ends when the disk or network share that it waits for answers; look at those.'
      : `Look at them with: ps -o pid,stat,user,wchan,args -p ${named.map(({ pid }) => pid).join(',')}`,
    data: { survivors: named.map(({ pid, command: line }) => ({ pid, command: line })) },
  });
}

function stateReason(state: string): string {
  return state === 'D' ? ', in an uninterruptible wait' : '';
}
