import type { TaskReport, TaskRequest } from './task.js';

/**
 * What the reconciler knows of any way to run an instance: as a script, in a container, in a swarm.
 *
 * An *incarnation* is one life of an instance, named by a random id that the caller chooses. A runner never lets two
 * incarnations of one instance live at the same time, and it reports each incarnation's end exactly once per daemon:
 * in `adopt()` when it ended before, through `onExit` when it ends later. An end stays on record, and is reported again
 * by the next daemon's `adopt()`, until the caller has stored it durably and says so with `forget()`.
 */
export interface Runner<Command = unknown> {
  /**
   * Starts an incarnation; resolves when its process is known.
   * Throws `SPAWN_FAILED` (nothing was started; the sentence says why), `CONFLICT` (another incarnation lives, or its
   * end was not forgotten yet: `data.incarnation`, `data.state`), `INVALID_CONFIG` (an environment name no process can have).
   */
  launch(request: LaunchRequest<Command>): Promise<RunningInstance>;

  /**
   * Takes the instance down, together with everything it started; resolves only when all of that is gone.
   * Also right for an incarnation that has exited by itself: then it removes what it left running.
   * Throws `STOP_FAILED` with `data.survivors` (pids and commands) when processes outlive the whole ladder.
   */
  stop(instance: RunningInstance, options: StopOptions): Promise<StopReport>;

  /** Finds what earlier daemons started, and begins to stop the tasks among it. To be called once, before the first `launch`. */
  adopt(): Promise<AdoptReport>;

  /** Calls `listener` once for every incarnation that ends from now on. Returns a function that takes the listener off. */
  onExit(listener: (exit: InstanceExit) => void): () => void;

  /** The end of this incarnation is stored durably: drops its record, so that the next incarnation may start. Idempotent. */
  forget(ref: InstanceRef, incarnation: string): Promise<void>;

  /** The processes of an instance that are alive now, its main process first; what a slow stop waits for. */
  liveTreeOf(instance: RunningInstance): Promise<LiveProcess[]>;

  /**
   * Runs a command to its end and resolves however it ended. After `timeoutMs`, or when `signal` aborts, it is taken down
   * first with everything that it started: SIGTERM, `taskGraceMs`, SIGKILL. What it left in the background when it ended by
   * itself is let be. `onExit` is not told. Nothing of it is left on record when this resolves.
   * Throws SPAWN_FAILED, INVALID_CONFIG, CONFLICT (this daemon runs a task of this name already), and STOP_FAILED when it, or
   * what an earlier daemon left of it, cannot be killed.
   */
  runTask(request: TaskRequest<Command>, signal: AbortSignal): Promise<TaskReport>;

  /** Resolves when the tasks that `adopt` found of earlier daemons are stopped, as far as they can be; never rejects. */
  tasksCleared(): Promise<void>;

  /** Stops watching. Instances run on; tasks are to be aborted before. */
  close(): Promise<void>;
}

/** One of a service's instances; numbers count from 1. */
export interface InstanceRef {
  readonly source: string;
  readonly service: string;
  readonly number: number;
  /** Only in a TaskRef. */
  readonly task?: string;
}

/** How an instance is written for people and used as a map key: `source:service#1`; a task: `source:service#1 (build)`. */
export function instanceKey(ref: InstanceRef): string {
  return `${ref.source}:${ref.service}#${ref.number}${ref.task === undefined ? '' : ` (${ref.task})`}`;
}

export interface LaunchRequest<Command> {
  readonly ref: InstanceRef;
  /** Random id of this life, `[A-Za-z0-9_-]{1,64}`. */
  readonly incarnation: string;
  readonly command: Command;
  /** Laid over the runner's base environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly workingDirectory: string;
  /** Absolute; opened for appending, so both may name the same file. Their folder must exist. */
  readonly stdoutPath: string;
  readonly stderrPath: string;
  readonly limits?: { readonly openFiles?: number };
}

export interface RunningInstance {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  /** The service's main process. */
  readonly pid: number;
  /** The process that keeps the instance's record, while it lives. Without it the exit will be `unknown`. */
  readonly shimPid?: number;
  readonly startedAt: Date;
}

/** How a process ended. What cannot be known is `unknown`, never a made-up 0. */
export type ExitResult =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly coreDumped?: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface InstanceExit {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  /** Missing when the incarnation ended before its process was on record. */
  readonly pid?: number;
  readonly exit: ExitResult;
  /** When it ended; for `unknown` exits, when that was noticed. */
  readonly at: Date;
  readonly startedAt?: Date;
  /** How long it ran, by a clock that nobody sets; where that is known although no daemon watched. */
  readonly ranMs?: number;
  /** A sentence for the operator when the command itself could not be executed. */
  readonly diagnosis?: string;
}

export interface StopOptions {
  readonly signal: NodeJS.Signals;
  /** How long the instance may take after `signal` before it is killed, in milliseconds. */
  readonly graceMs: number;
  /** Called about once a second with what the stop still waits for. */
  readonly onWaiting?: (waitingFor: LiveProcess[]) => void;
}

export interface StopReport {
  /** How the main process ended. */
  readonly exit: ExitResult;
  /** How far down the ladder it had to go. */
  readonly by: 'already-gone' | 'signal' | 'kill';
  readonly tookMs: number;
}

export interface LiveProcess {
  readonly pid: number;
  /** Its command line, or its name in brackets where there is none. */
  readonly command: string;
}

export interface AdoptReport {
  readonly living: RunningInstance[];
  /** Ended while no daemon watched, and not forgotten yet. */
  readonly exited: InstanceExit[];
}
