import type { ExitResult, InstanceRef } from './runner.js';

/**
 * A *task* is a command that is expected to end: a build, a step of a hook. It has a name, and of one name there is never
 * more than one at a time, not even across daemons: what a killed daemon left of it is stopped before it runs again.
 */
export interface TaskRef extends InstanceRef {
  /** `build` or `hook-<event>-<step>`: lower-case letters, digits, `.` and `-`. */
  readonly task: string;
}

/** Stands in a TaskRef for the service's name where a task belongs to its source as a whole. */
export const wholeSource = '.source';

export interface TaskRequest<Command> {
  /** The instance on whose behalf it runs; its number does not tell tasks apart, only the name does. */
  readonly ref: TaskRef;
  readonly command: Command;
  /** Laid over the runner's base environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute. A container runner has folders of its own and may ignore it. */
  readonly workingDirectory: string;
  /** Absolute; appended to, so both may name the same file. Their folder must exist. */
  readonly stdoutPath: string;
  readonly stderrPath: string;
  /** Null: it may take as long as it takes. */
  readonly timeoutMs: number | null;
}

export interface TaskReport {
  readonly exit: ExitResult;
  readonly endedBy: 'itself' | 'timeout' | 'abort';
  readonly tookMs: number;
  /** The end of what it wrote, oldest first, without empty lines; from its stderr where that is a file of its own and not empty. */
  readonly lastLines: readonly string[];
  /** A sentence for the operator when the command itself could not be executed. */
  readonly diagnosis?: string;
}

/** How long a task may take after SIGTERM before it is killed. */
export const taskGraceMs = 2_000;

/** How many of the last lines a report carries. */
export const taskLastLines = 5;
