import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Context } from '../context.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import { daemonProgram } from './launch-daemon.js';

/** Runs the daemon as a child in this terminal; Ctrl-C and SIGTERM end it in order, services first. */
export async function runInForeground(context: Context): Promise<ExitCode> {
  const daemon = spawn(process.execPath, [daemonProgram(), '--home', context.home.home, '--foreground'], { stdio: 'inherit' });
  // The daemon decides when it ends; hivectl only passes on what it was told and then waits.
  process.removeAllListeners('SIGINT');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => daemon.kill(signal));
  const [code] = (await once(daemon, 'exit')) as [number | null];
  return code === 0 ? exitCodes.done : exitCodes.failed;
}
