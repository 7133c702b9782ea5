import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { markedEnvironment } from './endings.js';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command to its end; rejects with its last output when it fails. */
export async function runCommand(command: Command): Promise<string> {
  const child = spawn(command.file, command.args, {
    env: { ...process.env, ...markedEnvironment, ...command.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command.file} ${command.args.join(' ')} ended with ${code}: ${output.trim().slice(-600)}`);
  return output;
}

/** Where a program is on the PATH; null: nowhere. */
export async function findProgram(name: string): Promise<string | null> {
  const path = (await runCommand({ file: '/bin/sh', args: ['-c', `command -v ${name} || true`] })).trim();
  return path === '' ? null : path;
}

export function startInBackground(command: Command, output: 'ignore' | number = 'ignore'): { readonly pid: number; readonly ended: Promise<void> } {
  const child = spawn(command.file, command.args, {
    env: { ...process.env, ...markedEnvironment, ...command.environment },
    stdio: ['ignore', output, output],
    detached: true,
  });
  if (child.pid === undefined) throw new Error(`${command.file} cannot be started`);
  return { pid: child.pid, ended: new Promise((resolve) => child.once('exit', () => resolve())) };
}
