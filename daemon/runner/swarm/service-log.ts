import type { Readable } from 'node:stream';
import { toHiveError } from '../../../shared/errors/index.js';
import { logPaths, streamNames, type OutputName } from '../../logs/log-paths.js';
import type { LogStore } from '../../logs/log-store.js';
import type { StreamWriter } from '../../logs/stream-writer.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { LogCursorFile } from '../docker/log-cursor.js';
import { LogFrames, sinceOf, evenTime, type LogFrame } from '../docker/log-frames.js';
import { instanceKey } from '../runner.js';
import { numberOf } from './observe-service.js';
import { ReplicaLog } from './replica-log.js';
import type { SwarmIdentity } from './swarm-labels.js';
import { hasEnded, type SwarmTask } from './swarm-shapes.js';

export interface ServiceLogOptions {
  readonly connection: EngineConnection;
  readonly logs: LogStore;
  readonly home: string;
  readonly identity: SwarmIdentity;
  /** Its id in the swarm. */
  readonly service: string;
  readonly warn: (sentence: string) => void;
}

const pauseMs = 1_000;
/** How long the log may take to end after the last task has. */
const endsWithinMs = 1_500;

/**
 * Copies what the tasks of a service write, wherever they run, into the log files of the replicas that they are. A manager
 * collects it from all nodes as one stream in which each line names its task; a cursor a task says how far its lines are
 * written, so that the next daemon loses and doubles none.
 */
export class ServiceLog {
  private readonly writers = new Map<number, Record<OutputName, StreamWriter>>();
  private readonly replicas = new Map<string, ReplicaLog>();
  private readonly tasks = new Map<string, SwarmTask>();
  private following: Promise<void> | null = null;
  private stream: Readable | null = null;
  private over = false;
  private warned = false;

  constructor(private readonly options: ServiceLogOptions) {}

  /** Copies from now on, until `finish` or `close`. `tasks`: those that the swarm knows now. */
  follow(tasks: readonly SwarmTask[]): void {
    const known = new Set(tasks.map(({ ID }) => ID));
    for (const task of tasks) this.tasks.set(task.ID, task);
    for (const id of this.tasks.keys()) if (!known.has(id)) void this.forget(id);
    if (tasks.length > 0 && !this.over) this.following ??= this.keepFollowing();
  }

  /** All tasks have ended: resolves once what they wrote is in the files, as far as it can be had. Never rejects. */
  async finish(): Promise<void> {
    const { stream } = this;
    this.over = true;
    // The log of a service whose tasks have all ended does not end by itself; what is under way gets a moment.
    if (stream !== null) await quiet(stream, endsWithinMs);
    await this.close();
  }

  /** Stops copying; the next daemon goes on. */
  async close(): Promise<void> {
    this.over = true;
    this.stream?.destroy();
    await this.following;
    for (const replica of this.replicas.values()) replica.close();
    this.replicas.clear();
    await Promise.all([...this.writers.values()].flatMap(({ stdout, stderr }) => [stdout.close(), stderr.close()]));
    this.writers.clear();
  }

  /** The service is gone, and nobody will go on. */
  async remove(): Promise<void> {
    const ids = [...this.tasks.keys()];
    await this.close();
    for (const id of ids) this.cursorOf(id).remove();
  }

  private async keepFollowing(): Promise<void> {
    while (!this.over) {
      try {
        await this.pass();
      } catch (error) {
        this.complain(error);
      }
      if (!this.over) await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
      if (!this.over) await this.options.connection.whenAvailable();
    }
  }

  private async pass(): Promise<void> {
    const { connection, service } = this.options;
    const since = this.writtenUntil();
    // The library knows no times with a fraction here, and the engine does.
    const options = { stdout: true, stderr: true, timestamps: true, details: true, follow: true, ...(since === null ? {} : { since: sinceOf(since) as unknown as number }) };
    const stream = (await connection.call((engine) => engine.getService(service).logs(options) as Promise<unknown>)) as Readable;
    this.stream = stream;
    const frames = new LogFrames();
    try {
      if (this.over) return;
      for await (const chunk of stream as AsyncIterable<Buffer>) await this.take(frames.push(chunk));
    } catch (error) {
      if (!this.over) throw error;
    } finally {
      stream.destroy();
      this.stream = null;
    }
  }

  /** Until when everything of every task that still writes is in the files; null: from the beginning. */
  private writtenUntil(): string | null {
    const times = [...this.tasks.values()].filter((task) => !hasEnded(task)).map(({ ID, CreatedAt }) => {
      const cursor = this.replicas.get(ID)?.cursor ?? this.cursorOf(ID).read(ID);
      return [cursor?.stdout.time ?? '', cursor?.stderr.time ?? '', evenTime(CreatedAt)].sort().at(-1) ?? '';
    });
    return times.length === 0 ? null : times.sort()[0] ?? null;
  }

  private async take(frames: readonly LogFrame[]): Promise<void> {
    const byTask = new Map<string, LogFrame[]>();
    for (const { stream, time, bytes } of frames) {
      const blank = bytes.indexOf(32);
      const task = /com\.docker\.swarm\.task\.id=(\w+)/.exec(bytes.toString('latin1', 0, Math.max(0, blank)))?.[1];
      if (task === undefined) continue;
      const frame = { stream, time, bytes: bytes.subarray(blank + 1) };
      const known = byTask.get(task);
      if (known === undefined) byTask.set(task, [frame]);
      else known.push(frame);
    }
    for (const [task, lines] of byTask) await (await this.replicaOf(task))?.take(lines);
  }

  private async replicaOf(id: string): Promise<ReplicaLog | null> {
    const known = this.replicas.get(id);
    if (known !== undefined) return known;
    const task = this.tasks.get(id) ?? (await this.lookUp(id));
    if (task === null) return null;
    const number = this.numberOf(task);
    const writers = this.writers.get(number) ?? (await this.open(number));
    this.writers.set(number, writers);
    const replica = await ReplicaLog.open(id, writers, this.cursorOf(id));
    this.replicas.set(id, replica);
    return replica;
  }

  private async open(number: number): Promise<Record<OutputName, StreamWriter>> {
    const { logs, identity: { ref } } = this.options;
    const own = { ...ref, number };
    await logs.prepare(own);
    const [stdout, stderr] = streamNames.map((name) => logs.writer(own, name)) as [StreamWriter, StreamWriter];
    return { stdout, stderr };
  }

  /** A task may write before it was seen in a list. */
  private async lookUp(id: string): Promise<SwarmTask | null> {
    try {
      const task = (await this.options.connection.call((engine) => engine.getTask(id).inspect() as Promise<unknown>)) as SwarmTask;
      this.tasks.set(id, task);
      return task;
    } catch {
      return null;
    }
  }

  private numberOf(task: SwarmTask): number {
    const { ref, stride } = this.options.identity;
    return numberOf(ref.number, task, stride);
  }

  private cursorOf(task: string): LogCursorFile {
    const { home, identity: { ref } } = this.options;
    return new LogCursorFile(logPaths(home, ref), `task-${task}`);
  }

  private async forget(task: string): Promise<void> {
    const known = this.tasks.get(task);
    this.tasks.delete(task);
    this.replicas.get(task)?.close();
    this.replicas.delete(task);
    if (known !== undefined) this.cursorOf(task).remove();
  }

  private complain(error: unknown): void {
    const { code, message } = toHiveError(error);
    if (this.over || this.warned || code === 'ENGINE_UNAVAILABLE') return;
    this.warned = true;
    this.options.warn(`The log of ${instanceKey(this.options.identity.ref)} cannot be followed in its swarm: ${message}`);
  }
}

/** Resolves when nothing has come for 200 ms, and after the limit in any case. */
function quiet(stream: Readable, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(limit);
      clearTimeout(silence);
      stream.off('data', heard);
      stream.off('close', finish);
      resolve();
    };
    const limit = setTimeout(finish, limitMs);
    let silence = setTimeout(finish, 200);
    const heard = (): void => {
      clearTimeout(silence);
      silence = setTimeout(finish, 200);
    };
    stream.on('data', heard);
    stream.once('close', finish);
  });
}
