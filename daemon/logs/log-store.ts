import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import type { LogLine } from '../../shared/protocol/results.js';
import type { InstanceRef } from '../runner/runner.js';
import { newestLines, type LogQuery, type Reach } from './get-logs.js';
import { GrowthSweep } from './growth-sweep.js';
import { lastTexts } from './last-lines.js';
import { LogFollower, type OnLines, type StreamNews } from './log-follower.js';
import { logPaths, logsFolder, serviceLogFolder, streamNames, streamPaths, type LogPaths, type StreamName } from './log-paths.js';
import { findStreams, isInScope, readScope, type LogScope } from './log-scope.js';
import { LogStream } from './log-stream.js';
import type { Warn } from './open-stream.js';
import { StreamWriter } from './stream-writer.js';
import { SpaceReclaimer } from './reclaim-space.js';
import type { RotationStep } from './rotate.js';
import type { LogPolicy } from './rotation-plan.js';

export interface LogStoreOptions {
  /** `$HIVE_HOME`. */
  readonly home: string;
  /** Gets a sentence for the operator, seldom. */
  readonly warn: Warn;
  /** The program that frees space at the front of files; default `fallocate`, of util-linux. */
  readonly fallocate?: string;
  /** Told of every step of every rotation; the tests kill the process there. */
  readonly onRotationStep?: (step: RotationStep) => void;
}

/** Somebody who watches logs. */
export interface LogFollowing {
  close(): void;
  /** Resolves when it is settled from where on everything is handed on; never rejects. */
  readonly started: Promise<void>;
  /** Resolves when it is over; rejects with what `onLines` rejected with. */
  readonly ended: Promise<void>;
}

/** The output of all services: where it goes, how it is rotated and read. Never in its way: services write to files. */
export class LogStore {
  private readonly streams = new Map<string, LogStream>();
  private readonly followers = new Map<LogFollower, LogScope>();
  private readonly sweep: GrowthSweep;

  constructor(private readonly options: LogStoreOptions) {
    const { home, warn, fallocate = 'fallocate', onRotationStep = () => undefined } = options;
    this.sweep = new GrowthSweep(logsFolder(home), new SpaceReclaimer(warn, fallocate, onRotationStep), warn, onRotationStep);
  }

  /**
   * Finishes what a killed daemon left half done, for all services at once. Not needed before anything else: every
   * stream is repaired when it is first used. What cannot be repaired is warned of; never throws.
   */
  async recover(): Promise<void> {
    for (const { ref, stream: name } of await findStreams(this.options.home, {})) {
      const stream = this.stream(ref, name);
      await stream.open().catch((error: unknown) => this.options.warn(`The log ${stream.paths.live} cannot be read: ${String(error)}`));
    }
  }

  /**
   * To be called before an instance is launched: makes its folder (0700) and files (0600), ends a last line that an
   * earlier run left unfinished, and notes where this run begins (for `lastLines`).
   */
  async prepare(ref: InstanceRef): Promise<LogPaths> {
    const paths = logPaths(this.options.home, ref);
    // Here and in endLastLine synchronous: a few system calls that take microseconds, of which each would otherwise wait for
    // a thread and for its turn, between a crash and the restart.
    const isNew = mkdirSync(paths.folder, { recursive: true, mode: 0o700 }) !== undefined;
    await Promise.all(this.streamsOf(ref).map(async (stream) => {
      endLastLine(stream.paths.live);
      const isEmpty = isNew && stream.openNew();
      if (!isEmpty) await stream.open();
      stream.runStart = isEmpty ? 0 : (await stream.lookAtOnce()).offset;
      this.tell({ kind: 'opened', stream });
    }));
    return paths;
  }

  /** To write on behalf of an instance that cannot write to files itself. One writer a stream at a time. */
  writer(ref: InstanceRef, name: StreamName): StreamWriter {
    return new StreamWriter(this.stream(ref, name));
  }

  /**
   * Opens the stream that the hooks of an instance write to; of a source, with `wholeSource` for the service's name. Its size
   * is looked after until it is closed.
   */
  async openHook(ref: InstanceRef, policy: LogPolicy): Promise<{ readonly path: string; close(): void }> {
    const stream = this.stream(ref, 'hook');
    const { live, folder } = stream.paths;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    endLastLine(live);
    await stream.open();
    await stream.look();
    this.sweep.add(stream, policy);
    this.tell({ kind: 'opened', stream });
    return { path: live, close: () => this.endOf(stream) };
  }

  /** Looks after the size of the instance's files from now on; called again, it changes the policy. */
  track(ref: InstanceRef, policy: LogPolicy): void {
    for (const stream of this.streamsOf(ref)) {
      this.sweep.add(stream, policy);
      this.tell({ kind: 'opened', stream });
    }
  }

  /** The instance writes no more. */
  untrack(ref: InstanceRef): void {
    for (const stream of this.streamsOf(ref)) this.endOf(stream);
  }

  /**
   * The last lines that match, merged by time, oldest first: at most `lines` (100) and at most 4 MiB.
   * Services that never wrote have none. Throws INVALID_PARAMS for an `fqn` that is none.
   */
  async get(query: LogQuery): Promise<LogLine[]> {
    const reaches = await this.reaches(readScope(query.fqn, query.stream));
    return (await newestLines(reaches, query)).map((shown) => shown.line);
  }

  /**
   * Hands on the last `lines` (0) lines and then what is written, in whole lines, until closed: through rotations and
   * restarts, and from instances that are yet to come. The next lines are read when `onLines` has settled; where
   * rotation deletes lines before a slow reader got them, a line of its own says how many bytes (`fields.skippedBytes`).
   * Throws INVALID_PARAMS for an `fqn` that is none.
   */
  follow(query: LogQuery, onLines: OnLines): LogFollowing {
    const scope = readScope(query.fqn, query.stream);
    const follower = new LogFollower(query, onLines);
    this.followers.set(follower, scope);
    const ended = this.reaches(scope)
      .then((reaches) => follower.run(reaches))
      .finally(() => {
        follower.close();
        this.followers.delete(follower);
      });
    // Whoever does not care how it ends must not bring the daemon down.
    ended.catch(() => undefined);
    return { close: () => follower.close(), started: follower.started, ended };
  }

  /** What an instance wrote last in its present run, as text: at most `count` lines, those of stderr first, then stdout's. */
  async lastLines(ref: InstanceRef, count: number): Promise<string[]> {
    const [ofStdout = [], ofStderr = []] = await Promise.all(this.streamsOf(ref).map(async (stream) => {
      await stream.open();
      return lastTexts(stream, count);
    }));
    const room = count - ofStderr.length;
    return room > 0 ? [...ofStderr, ...ofStdout.slice(-room)] : ofStderr;
  }

  /** Deletes everything that a service wrote; for a service that is deleted and runs no more. */
  async deleteLogs(source: string, service: string): Promise<void> {
    const { folder } = logPaths(this.options.home, { source, service, number: 1 });
    for (const [path, stream] of this.streams) {
      if (stream.paths.folder !== folder) continue;
      this.streams.delete(path);
      this.tell({ kind: 'deleted', stream });
      this.sweep.remove(stream);
      await stream.close();
    }
    await rm(serviceLogFolder(this.options.home, source, service), { recursive: true, force: true });
  }

  /** Ends every following, finishes rotations that are under way, and writes down what times are known. */
  async close(): Promise<void> {
    for (const follower of this.followers.keys()) follower.close();
    await this.sweep.close();
    for (const stream of this.streams.values()) await stream.close();
  }

  private endOf(stream: LogStream): void {
    this.sweep.remove(stream);
    this.tell({ kind: 'ended', stream });
    // What was written last gets its time.
    void stream.open().then(async () => {
      await stream.look();
      await stream.index.flush();
    }).catch(() => undefined);
  }

  private tell(news: StreamNews): void {
    for (const [follower, scope] of this.followers) {
      if (isInScope(scope, news.stream.ref, news.stream.stream)) follower.tell(news);
    }
  }

  private async reaches(scope: LogScope): Promise<Reach[]> {
    const reaches: Reach[] = [];
    for (const { ref, stream: name } of await findStreams(this.options.home, scope)) {
      const stream = this.stream(ref, name);
      await stream.open();
      const { offset, time } = await stream.look();
      reaches.push({ stream, end: offset, time });
    }
    return reaches;
  }

  private streamsOf(ref: InstanceRef): LogStream[] {
    return streamNames.map((name) => this.stream(ref, name));
  }

  private stream(ref: InstanceRef, name: StreamName): LogStream {
    const paths = streamPaths(logPaths(this.options.home, ref).folder, ref.number, name);
    let stream = this.streams.get(paths.live);
    if (stream === undefined) {
      stream = new LogStream({ source: ref.source, service: ref.service, number: ref.number }, name, paths, this.options.warn);
      this.streams.set(paths.live, stream);
    }
    return stream;
  }
}

/** Makes the file where it is missing. */
function endLastLine(path: string): void {
  const file = openSync(path, 'a+', 0o600);
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 10) writeSync(file, '\n');
  } finally {
    closeSync(file);
  }
}
