import { runCommand, type Command } from '../tools/run-command.js';
import { median, secondsOf } from '../tools/statistics.js';

export const emptyNode: Command = { file: process.execPath, args: ['-e', '0'] };

/** Seconds that a command takes, the median of some runs after a first one that fills the caches. */
export async function measureCommand(command: Command, runs: number): Promise<number> {
  await runCommand(command);
  const seconds: number[] = [];
  for (let run = 0; run < runs; run += 1) seconds.push(await secondsOf(() => runCommand(command)));
  return median(seconds);
}
