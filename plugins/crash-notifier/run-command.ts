import { spawn } from 'node:child_process';
import { identityOf } from '../../shared/process/identity.js';
import { signalGroup } from '../../shared/process/send-signal.js';
import type { Outcome } from './delivery.js';

/**
 * Runs a command with the notification on its standard input; exit 0 counts as delivered. Its output becomes the
 * plugin's. After `timeoutMs` it is killed with everything it started.
 */
export function runCommand(command: readonly string[], content: string, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const [program = '', ...args] = command;
    // In a group of its own: a pipeline is killed whole.
    const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
    const leader = child.pid === undefined ? null : identityOf(child.pid);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (leader !== null) signalGroup(leader, 'SIGKILL');
    }, timeoutMs);
    const over = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    child.once('error', (error) => over({ ok: false, reason: `The command could not be started: ${error.message}.` }));
    child.once('exit', (code, signal) => {
      if (code === 0) over({ ok: true });
      else if (isLate) over({ ok: false, reason: `The command took longer than ${timeoutMs / 1000} s.` });
      else over({ ok: false, reason: `The command ${signal === null ? `exited with code ${code}` : `was ended by ${signal}`}.` });
    });
    // A command need not read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(content);
  });
}
