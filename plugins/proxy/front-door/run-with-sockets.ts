import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program that inherits the listening sockets, as descriptors from 3 on; resolves with what it printed. */
export async function runWithSockets([program, ...words]: readonly [string, ...string[]], environment: Readonly<Record<string, string>>, descriptors: readonly number[]): Promise<string> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit', ...descriptors], env: environment });
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await once(child, 'close');
  return printed;
}
