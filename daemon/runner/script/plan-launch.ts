import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { serviceUmask } from '../../service-umask.js';
import { instanceKey, type LaunchRequest } from '../runner.js';
import { launchProblem, type StartedWith } from './diagnose.js';
import { checkEnvironment, incarnationVariable } from './environment.js';
import { launchFileText } from './launch-file.js';
import type { ScriptCommand } from './script-command.js';
import { parseShebang } from './shebang.js';

/** A launch that nothing is found to stand against. */
export interface LaunchPlan {
  /** The text of the order, once it is known which cgroups the service is to enter. */
  launchText(cgroups: readonly string[]): string;
  /** The script to be written for the interpreter that its first line names. */
  readonly script: { readonly path: string; readonly text: string } | null;
  readonly startedWith: StartedWith;
}

/**
 * Checks a request and turns it into what its shim reads. Throws INVALID_CONFIG, INVALID_PARAMS or SPAWN_FAILED; the
 * only thing done is that the output files exist afterwards.
 */
export function planLaunch(
  request: LaunchRequest<ScriptCommand>,
  folder: string,
  baseEnvironment: Readonly<Record<string, string>>,
): LaunchPlan {
  const { incarnation, command, workingDirectory, stdoutPath, stderrPath } = request;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(incarnation)) throw new HiveError('INVALID_PARAMS', `"${incarnation}" is no id of an incarnation.`);
  const environment: Record<string, string> = { ...baseEnvironment, ...request.environment, [incarnationVariable]: incarnation };
  checkEnvironment(environment);

  const scriptPath = path.join(folder, `script.${incarnation}`);
  const shebang = parseShebang(command.run);
  const words = commandWords(command, scriptPath);
  if (words.some((word) => word.includes('\0')) || Buffer.byteLength(command.run) >= 128 * 1024) {
    throw new HiveError('INVALID_CONFIG', `The command of ${instanceKey(request.ref)} is over 128 KiB or contains a NUL character.`, { next: 'Put it into a script file and run that.' });
  }
  const [program = ''] = words;
  const problem = programNameProblem(program) ?? launchProblem(program, workingDirectory) ?? outputProblem(stdoutPath) ?? outputProblem(stderrPath);
  if (problem !== null) throw spawnFailed(request, problem);

  return {
    launchText: (cgroups) => launchFileText({
      cgroups,
      words,
      environment,
      workingDirectory,
      stdoutPath,
      stderrPath,
      umask: serviceUmask(),
      ...(typeof request.limits?.openFiles === 'number' ? { openFiles: request.limits.openFiles } : {}),
    }),
    script: shebang === null ? null : { path: scriptPath, text: command.run },
    startedWith: { run: command.run, workingDirectory, path: environment['PATH'] ?? '' },
  };
}

export function spawnFailed(request: Pick<LaunchRequest<unknown>, 'ref'>, why: string, next?: string): HiveError {
  return new HiveError('SPAWN_FAILED', `${instanceKey(request.ref)} could not be started: ${why}`, {
    ...(next === undefined ? {} : { next }),
    data: { reason: why },
  });
}

/** The interpreter is called by name, as the kernel would: a run folder on a `noexec` file system works all the same. */
export function commandWords(command: ScriptCommand, scriptPath: string): string[] {
  const shebang = parseShebang(command.run);
  if (shebang === null) return [command.shell ?? '/bin/sh', '-c', command.run];
  return [shebang.interpreter, ...(shebang.argument === null ? [] : [shebang.argument]), scriptPath];
}

function programNameProblem(program: string): string | null {
  if (!path.isAbsolute(program)) return `"${program}" is no absolute path to a shell or interpreter.`;
  // `env` would take it for an assignment.
  return program.includes('=') ? `the path "${program}" contains "=".` : null;
}

/** Opens an output file for appending once, so that a missing folder or a full disk is known before anything starts. */
function outputProblem(file: string): string | null {
  try {
    closeSync(openSync(file, 'a', 0o600));
    return null;
  } catch (error) {
    return `its output file ${file} cannot be opened: ${reasonOf(error)}.`;
  }
}

/** Writes a file that must not be there yet; throws a sentence's worth of reason. */
export function writeNewFile(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { mode, flag: 'wx' });
  } catch (error) {
    throw new Error(`${file} cannot be written: ${reasonOf(error)}.`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'its folder does not exist',
    ENOTDIR: 'what should be its folder is a file',
    EISDIR: 'it is a folder',
    EACCES: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
  };
  return (code === undefined ? undefined : known[code]) ?? (error instanceof Error ? error.message : String(error));
}
