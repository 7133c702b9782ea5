import type { LimitsSpec } from '../../shared/config/service-spec.js';
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

  /**
   * Runs `/bin/sh -c command` where the instance lives, to its end; for `cmd` health checks. Absent: the instance is a
   * process of this machine, and a command beside it sees what it sees. Never rejects for what the command does.
   */
  exec?(instance: RunningInstance, request: ExecRequest): Promise<ExecReport>;

  /** What instances use, asked where that is known. Absent: they are processes of this machine, which /proc tells of. */
  stats?(instances: readonly RunningInstance[]): Promise<InstanceUsage[]>;

  /** Calls `listener` when facts of a living incarnation changed: it moved to another node, its endpoints are others. */
  onMoved?(listener: (instance: RunningInstance) => void): () => void;

  /** Has a cluster run that many replicas of a living incarnation; what comes of it is told through `onMoved`. Present where instances have replicas. */
  resize?(instance: RunningInstance, replicas: number): Promise<void>;

  /**
   * Has a cluster replace the replicas of a living incarnation by those of another command, in its own way; resolves when
   * that is done. Idempotent by `update.id`. Throws SERVICE_FAILED when the cluster gave it up; what that means for the
   * replicas of before is what `update.onFailure` says.
   */
  update?(instance: RunningInstance, request: LaunchRequest<Command>, update: ReplicaUpdate): Promise<RunningInstance>;
}

/** How a cluster is to replace replicas. */
export interface ReplicaUpdate {
  /** Names this update, `[A-Za-z0-9_-]{1,64}`: one that was ordered before is only waited for. */
  readonly id: string;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  /** keep-old: replicas of before come back; abort: everything stays as it is then. */
  readonly onFailure: 'keep-old' | 'abort';
  readonly signal: AbortSignal;
  readonly onProgress: (sentence: string) => void;
}

/** The runner of an engine: something outside of Hive, which may be absent, stopped or slow, and comes back. */
export interface EngineRunner<Command = unknown> extends Runner<Command> {
  readonly engine: EngineRef;

  /** Waits for the engine however long it is away; rejects with SHUTTING_DOWN once the runner is closed. */
  adopt(): Promise<AdoptReport>;

  /** As last seen; no call to the engine. */
  availability(): Availability;

  /** Calls `listener` with every change of that. What ended meanwhile is told (`onExit`) after the engine is back. */
  onAvailability(listener: (availability: Availability) => void): () => void;

  /** From now on a stop does not wait for an engine that is away: it fails with ENGINE_UNAVAILABLE. The daemon is ending. */
  giveUpWaiting(): void;
}

/** One engine, by who speaks for it and where it listens. */
export interface EngineRef {
  readonly type: 'docker' | 'podman' | 'compose' | 'swarm';
  /** An absolute path, or `tcp://host:port`. */
  readonly socket: string;
}

export function engineKey({ type, socket }: EngineRef): string {
  return `${type} ${socket}`;
}

export type Availability =
  | { readonly ok: true }
  /** `why`: a sentence without a full stop, such as `docker does not answer at /var/run/docker.sock (ENOENT)`; `next`: what mends it; `notAskedYet`: it may well be there. */
  | { readonly ok: false; readonly why: string; readonly next: string; readonly notAskedYet?: true };

export interface ExecRequest {
  readonly command: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface ExecReport {
  readonly ended: 'itself' | 'timeout' | 'abort';
  readonly exit: ExitResult;
  /** The end of both outputs, at most 4096 characters. */
  readonly output: string;
}

export interface InstanceUsage {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  /** Fraction of one core, since it was asked last. */
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly threads: number;
  /** 0 where the engine does not count them. */
  readonly openFiles: number;
}

/** One of a service's instances; numbers count from 1. */
export interface InstanceRef {
  readonly source: string;
  readonly service: string;
  readonly number: number;
  /** The name of a task, in a TaskRef; where a replica is checked, that replica's id. */
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
  /** What is null or absent is not limited. */
  readonly limits?: Partial<LimitsSpec>;
  /** Calls back with what a launch that takes long is doing, for people: `pulling nginx:1, 12 of 40 MB`. */
  readonly onProgress?: (sentence: string) => void;
  /** How many replicas a cluster is to run; 1 by default, and of no meaning elsewhere. */
  readonly replicas?: number;
  /** False once nobody wants the launch any more: one that takes long gives up and throws. */
  readonly stillWanted?: () => boolean;
}

export interface RunningInstance {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  /** The service's main process; 0 where it is none of this machine. Nobody but its runner signals it. */
  readonly pid: number;
  /** The process that keeps the instance's record, while it lives. Without it the exit will be `unknown`. */
  readonly shimPid?: number;
  readonly startedAt: Date;
  /** Where it lives when it is no child of a shim: who has to be asked about it. */
  readonly engine?: EngineRef;
  readonly containerId?: string;
  /** The machine of a cluster on which it is. */
  readonly node?: string;
  /** Where its ports answer, by port name, where that is not 127.0.0.1 and the instance's own ports. */
  readonly endpoints?: Readonly<Record<string, { readonly address: string; readonly port: number }>>;
  /** What a cluster runs for it; absent: it is one thing. */
  readonly replicas?: Replicas;
}

export interface Replicas {
  readonly wanted: number;
  readonly present: readonly Replica[];
  /** Why replicas are not present any more that were when this was told last, by their ids; a sentence's end: `exited with code 1`. */
  readonly ended: Readonly<Record<string, string>>;
}

/**
 * One of the things that a cluster runs for an instance. Replicas come, end and are replaced without the instance ending;
 * for people, for routes and for health checks each is an instance of its service.
 */
export interface Replica {
  /** As the number of an instance: `source:service#3`. While a cluster replaces a replica, two may have one number. */
  readonly number: number;
  /** Names this one life of it. */
  readonly id: string;
  readonly state: 'starting' | 'running';
  /** What a replica that does not run waits for. */
  readonly why: string | null;
  /** As the cluster's own checks say; null: it makes none, or others still have to say. */
  readonly healthy: boolean | null;
  /** Null: it has not been given one yet. */
  readonly node: string | null;
  readonly containerId?: string;
  readonly startedAt: string | null;
  readonly endpoints: Readonly<Record<string, { readonly address: string; readonly port: number }>>;
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
