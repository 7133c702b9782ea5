import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { ExitResult } from '../runner.js';
import { executableProblem } from './executable-problem.js';

/** Why this could not be started, as a sentence; null when nothing stands against it. Looked at before anything runs. */
export function launchProblem(program: string, workingDirectory: string): string | null {
  return folderProblem(workingDirectory) ?? executableProblem(program);
}

function folderProblem(folder: string): string | null {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return `Its working directory ${folder} does not exist.`;
  if (!stat.isDirectory()) return `Its working directory ${folder} is not a folder.`;
  try {
    accessSync(folder, constants.X_OK);
    return null;
  } catch {
    return `Its working directory ${folder} may not be entered by uid ${process.getuid?.() ?? 'unknown'}.`;
  }
}

/** What a service was started with, kept to explain a failure. */
export interface StartedWith {
  readonly run: string;
  readonly workingDirectory: string;
  readonly path: string;
}

const firstMomentMs = 1_000;

/** Explains the shell's 126 (cannot be executed) and 127 (not found) when they come within the first second. */
export function exitDiagnosis(exit: ExitResult, ranMs: number, started: StartedWith): string | undefined {
  if (exit.kind !== 'code' || (exit.code !== 126 && exit.code !== 127) || ranMs > firstMomentMs) return undefined;
  const command = firstCommandOf(started.run);
  if (command === null) return undefined;
  if (command.includes('/')) return executableProblem(path.resolve(started.workingDirectory, command)) ?? undefined;
  const folders = started.path.split(':').map((folder) => path.resolve(started.workingDirectory, folder));
  const candidates = folders.map((folder) => path.join(folder, command)).filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  if (candidates.length === 0) return `The command "${command}" is in no folder of PATH (${started.path}).`;
  return candidates.map((file) => executableProblem(file)).find((problem) => problem !== null) ?? undefined;
}

/** The first word of a shell text where that is a plain command name; null where only a shell could tell. */
export function firstCommandOf(run: string): string | null {
  const text = run.trimStart().replace(/^(?:[A-Za-z_][A-Za-z0-9_]*=[^\s'"`$\\]*\s+|exec\s+)*/, '');
  return /^([\w./+@:-]+)(?=\s|[;&|<>]|$)/.exec(text)?.[1] ?? null;
}
