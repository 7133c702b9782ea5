import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { identityOf } from '../../../shared/process/identity.js';
import type { ProcessRow } from '../../../shared/process/process-row.js';
import { withServiceUmask } from '../../service-umask.js';
import { instanceKey, type ExitResult, type InstanceRef } from '../runner.js';
import { launchProblem } from './diagnose.js';
import { checkEnvironment, incarnationVariable } from './environment.js';
import { commandWords, writeNewFile } from './plan-launch.js';
import type { ScriptCommand } from './script-command.js';
import { findMembers } from './stop/find-members.js';
import type { TreeOwner } from './stop/instance-tree.js';
import { climbDown } from './stop/stop-ladder.js';

/** A command that is expected to end: a build, a hook. It does not outlive the daemon's interest in it. */
export interface CompletionRequest {
  /** For whom it runs; named in errors. */
  readonly ref: InstanceRef;
  readonly command: ScriptCommand;
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Both outputs are appended to it; its folder must exist. */
  readonly outputPath: string;
  /** Where stderr goes instead. */
  readonly errorPath?: string;
  /** Null: it may take as long as it takes. */
  readonly timeoutMs: number | null;
  readonly abort?: AbortSignal;
}

export interface CompletionReport {
  readonly exit: ExitResult;
  readonly endedBy: 'itself' | 'timeout' | 'abort';
  readonly tookMs: number;
}

const graceMs = 2_000;

/**
 * Runs a command and resolves when it has ended, however it ended. After `timeoutMs`, or when aborted, it and everything
 * it started is stopped: SIGTERM, 2 s, SIGKILL. What it left in the background when it ended by itself is let be.
 * Throws SPAWN_FAILED, INVALID_CONFIG, or STOP_FAILED when it cannot be killed.
 */
export async function runToCompletion(request: CompletionRequest): Promise<CompletionReport> {
  const { ref, command, workingDirectory, timeoutMs, abort } = request;
  const incarnation = `run-${randomBytes(9).toString('hex')}`;
  const environment = { ...request.environment, [incarnationVariable]: incarnation };
  checkEnvironment(environment);
  const scratch = command.run.startsWith('#!') ? mkdtempSync(path.join(tmpdir(), 'hive-run-')) : null;
  const scriptPath = path.join(scratch ?? tmpdir(), 'script');
  const outputs: number[] = [];
  const started = performance.now();
  try {
    const words = commandWords(command, scriptPath);
    const problem = launchProblem(words[0] ?? '', workingDirectory);
    if (problem !== null) throw new Error(problem);
    if (scratch !== null) writeNewFile(scriptPath, command.run, 0o700);
    const [stdout, stderr] = [request.outputPath, request.errorPath ?? request.outputPath].map((file) => {
      const output = openSync(file, 'a', 0o600);
      outputs.push(output);
      return output;
    });

    const [program, ...rest] = withServiceUmask(words);
    const child = spawn(program, rest, { cwd: workingDirectory, env: environment, detached: true, stdio: ['ignore', stdout, stderr] });
    const ended = endOf(child);
    const main = child.pid === undefined ? null : identityOf(child.pid);
    const owner: TreeOwner = { incarnation, main, known: new Map() };
    const members = (): Promise<ProcessRow[]> => findMembers(owner, new Set());

    const endedBy = await Promise.race([ended.then(() => 'itself' as const), interruption(timeoutMs, abort, ended)]);
    if (endedBy !== 'itself') await climbDown({ ref, main, ended, members }, { signal: 'SIGTERM', graceMs });
    return { exit: await ended, endedBy, tookMs: performance.now() - started };
  } catch (error) {
    if (error instanceof HiveError) throw error;
    // Without the command: what interpolation put into it may be a secret.
    throw new HiveError('SPAWN_FAILED', `The command of ${instanceKey(ref)} could not be run: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    for (const output of outputs) closeSync(output);
    if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
  }
}

/** Resolves at the timeout or the abort, whichever comes first; lets go of both once the command has ended. */
function interruption(timeoutMs: number | null, abort: AbortSignal | undefined, ended: Promise<unknown>): Promise<'timeout' | 'abort'> {
  return new Promise((resolve) => {
    const timer = timeoutMs === null ? undefined : setTimeout(() => resolve('timeout'), timeoutMs);
    const aborted = (): void => resolve('abort');
    if (abort?.aborted === true) aborted();
    abort?.addEventListener('abort', aborted);
    const letGo = (): void => {
      clearTimeout(timer);
      abort?.removeEventListener('abort', aborted);
    };
    ended.then(letGo, letGo);
  });
}

/** Listens for `exit`, not `close`: what the command left in the background may hold its output for years. */
function endOf(child: ChildProcess): Promise<ExitResult> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal }));
  });
}
