import { mkdir, open, rm } from 'node:fs/promises';
import type { LogLine } from '../../shared/protocol/results.js';
import type { InstanceRef } from '../runner/runner.js';
import { newestLines, type LogQuery, type Reach } from './get-logs.js';
import { logPaths, serviceLogFolder, streamNames, streamPaths, type LogPaths, type StreamName } from './log-paths.js';
import { findStreams, readScope, type LogScope } from './log-scope.js';
import { LogStream } from './log-stream.js';
import type { Warn } from './open-stream.js';
import type { LogPolicy } from './rotation-plan.js';
import { lastTexts } from './last-lines.js';

export interface LogStoreOptions {
  /** `$HIVE_HOME`. */
  readonly home: string;
  /** Gets a sentence for the operator, seldom. */
  readonly warn: Warn;
}

/** The output of all services: where it goes, how it is rotated and read. Never in its way: services write to files. */
export class LogStore {
  private readonly streams = new Map<string, LogStream>();

  constructor(private readonly options: LogStoreOptions) {}

  /**
   * To be called before an instance is launched: makes its folder (0700) and files (0600), ends a last line that an
   * earlier run left unfinished, and notes where this run begins (for `lastLines`).
   */
  async prepare(ref: InstanceRef): Promise<LogPaths> {
    const paths = logPaths(this.options.home, ref);
    await mkdir(paths.folder, { recursive: true, mode: 0o700 });
    for (const stream of this.streamsOf(ref)) {
      await endLastLine(stream.paths.live);
      await stream.open();
      stream.runStart = (await stream.look()).offset;
    }
    return paths;
  }

  /** Looks after the size of the instance's files from now on; called again, it changes the policy. */
  track(_ref: InstanceRef, _policy: LogPolicy): void {}

  /** The instance writes no more. */
  untrack(_ref: InstanceRef): void {}

  /**
   * The last lines that match, merged by time, oldest first: at most `lines` (100) and at most 4 MiB.
   * Services that never wrote have none. Throws INVALID_PARAMS for an `fqn` that is none.
   */
  async get(query: LogQuery): Promise<LogLine[]> {
    const reaches = await this.reaches(readScope(query.fqn, query.stream));
    return (await newestLines(reaches, query)).map((shown) => shown.line);
  }

  /** What an instance wrote last in its present run, as text: at most `count` lines, those of stderr first, then stdout's. */
  async lastLines(ref: InstanceRef, count: number): Promise<string[]> {
    const texts: string[] = [];
    for (const stream of this.streamsOf(ref).reverse()) {
      await stream.open();
      texts.push(...(await lastTexts(stream, count - texts.length)));
    }
    return texts;
  }

  /** Deletes everything that a service wrote; for a service that is deleted and runs no more. */
  async deleteLogs(source: string, service: string): Promise<void> {
    await rm(serviceLogFolder(this.options.home, source, service), { recursive: true, force: true });
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
async function endLastLine(path: string): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] !== 10) await file.write('\n');
  } finally {
    await file.close();
  }
}
