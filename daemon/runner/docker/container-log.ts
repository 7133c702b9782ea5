import type { Readable } from 'node:stream';
import { HiveError, toHiveError } from '../../../shared/errors/index.js';
import { logPaths, streamNames, type OutputName } from '../../logs/log-paths.js';
import type { LogStore } from '../../logs/log-store.js';
import type { StreamWriter, TimedBytes } from '../../logs/stream-writer.js';
import { instanceKey, type InstanceRef } from '../runner.js';
import type { EngineConnection } from './engine-connection.js';
import { isUnreachable, saidBy, statusOf } from './engine-error.js';
import { LogCursorFile, type StreamCursor } from './log-cursor.js';
import { evenTime, LogFrames, sinceOf, type LogFrame } from './log-frames.js';
import { ResumedStream } from './resumed-stream.js';

export interface ContainerLogOptions {
  readonly connection: EngineConnection;
  readonly logs: LogStore;
  readonly home: string;
  readonly ref: InstanceRef;
  readonly container: string;
  /** Where an instance has several containers: a name of this one's own for how far its log is copied. */
  readonly cursor?: string;
  /** Put before each line, to tell containers of one instance apart. */
  readonly prefix?: string;
  readonly warn: (sentence: string) => void;
}

/** How long a log that is followed may take to end after its container has; what is missing then is read once more. */
const endsWithinMs = 1_000;
const pauseAfterTroubleMs = 1_000;
/** A killed daemon wrote at most one chunk of the engine's that it did not count. */
const mostBeyondBytes = 4 * 1024 * 1024;

/**
 * Copies the log that an engine keeps of a container into the same files into which scripts write themselves, with the
 * engine's times, over one connection. It is taken up again after the engine or the daemon was away, without a line lost or
 * doubled: a cursor beside the files says how far they go, and what they hold beyond it is compared with what comes next.
 */
export class ContainerLog {
  private readonly writers: Readonly<Record<OutputName, StreamWriter>>;
  private readonly cursors: LogCursorFile;
  private following: Promise<void> | null = null;
  private stream: Readable | null = null;
  private over = false;
  private endFollowing: () => void = () => undefined;
  private warned = false;

  constructor(private readonly options: ContainerLogOptions) {
    const { logs, home, ref, cursor } = options;
    this.writers = { stdout: logs.writer(ref, 'stdout'), stderr: logs.writer(ref, 'stderr') };
    this.cursors = new LogCursorFile(logPaths(home, ref), cursor ?? ref.number);
  }

  /** For a container that is about to be started: its log begins where the files end now. */
  async begin(): Promise<void> {
    const { container } = this.options;
    this.cursors.write({ container, stdout: await this.startOf('stdout', ''), stderr: await this.startOf('stderr', '') });
  }

  /** Copies from now on, until `finish` or `close`. */
  follow(): void {
    this.following ??= this.keepFollowing();
  }

  /** The container has ended: resolves once everything it wrote is in the files, or cannot be had. Never rejects. */
  async finish(): Promise<void> {
    if (this.over) return;
    if (this.following !== null) {
      await Promise.race([this.streamEnd(), pause(endsWithinMs)]);
      await this.stopFollowing();
    }
    this.over = true;
    await this.pass(false).catch((error: unknown) => this.complain(error));
    await this.closeFiles();
  }

  /** Stops copying; the next daemon goes on. */
  async close(): Promise<void> {
    await this.stopFollowing();
    await this.closeFiles();
  }

  /** The container is gone, and nobody will go on. */
  async remove(): Promise<void> {
    await this.close();
    this.cursors.remove();
  }

  private async stopFollowing(): Promise<void> {
    this.over = true;
    this.endFollowing();
    this.stream?.destroy();
    await this.following;
    this.over = false;
    this.following = null;
  }

  private async keepFollowing(): Promise<void> {
    const overSoon = new Promise<void>((resolve) => { this.endFollowing = resolve; });
    while (!this.over) {
      try {
        await this.pass(true);
      } catch (error) {
        this.complain(error);
      }
      // The container has ended, and `finish` comes in a moment; or the engine has, and it is waited for.
      if (!this.over) await Promise.race([pause(pauseAfterTroubleMs), overSoon]);
      // Not beyond `over`: it is within the look that makes an engine available that ended containers are finished.
      if (!this.over) await Promise.race([this.options.connection.whenAvailable(), overSoon]);
    }
  }

  /** Reads the engine's log from the cursor to its end; when following, to the end of the container. */
  private async pass(follow: boolean): Promise<void> {
    const { connection, container } = this.options;
    const cursor = this.cursors.read(container) ?? { stdout: await this.startOf('stdout'), stderr: await this.startOf('stderr') };
    const streams = { stdout: await this.resumed('stdout', cursor.stdout), stderr: await this.resumed('stderr', cursor.stderr) };
    const newest = [cursor.stdout.time, cursor.stderr.time].sort().at(-1) ?? '';
    const options = { stdout: true, stderr: true, timestamps: true, ...(newest === '' ? {} : { since: sinceOf(newest) as unknown as number }) };
    const frames = new LogFrames();
    if (!follow) {
      const whole = await connection.call((engine) => engine.getContainer(container).logs({ ...options, follow: false }));
      return this.take(frames.push(whole), streams);
    }
    const stream = (await connection.call((engine) => engine.getContainer(container).logs({ ...options, follow: true }))) as Readable;
    this.stream = stream;
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) await this.take(frames.push(chunk), streams);
    } catch (error) {
      if (!this.over) throw error;
    } finally {
      stream.destroy();
      this.stream = null;
    }
  }

  private async take(frames: readonly LogFrame[], streams: Readonly<Record<OutputName, ResumedStream>>): Promise<void> {
    let taken = false;
    for (const name of streamNames) {
      const stream = streams[name];
      const lines: (TimedBytes & { readonly text: string; readonly counts: number })[] = [];
      for (const { time, bytes } of frames.filter((frame) => frame.stream === name).map((frame) => this.prefixed(frame))) {
        const rest = stream.take(time, bytes);
        if (rest !== null) lines.push({ bytes: rest, time: Date.parse(time), text: time, counts: bytes.length });
      }
      if (lines.length === 0) continue;
      taken = true;
      const end = lines.some(({ bytes }) => bytes.length > 0) ? await this.write(name, lines) : null;
      for (const { text, counts } of lines) stream.count(text, counts);
      if (end !== null) stream.cursor = { ...stream.cursor, position: end };
    }
    if (taken) this.cursors.write({ container: this.options.container, stdout: streams.stdout.cursor, stderr: streams.stderr.cursor });
  }

  private async write(name: OutputName, lines: readonly TimedBytes[]): Promise<number> {
    try {
      return await this.writers[name].write(lines);
    } catch (error) {
      throw new HiveError('STORAGE_FAILED', `${this.writers[name].stream.paths.live} cannot be written: ${String(error)}`, { cause: error });
    }
  }

  private prefixed(frame: LogFrame): LogFrame {
    const { prefix } = this.options;
    return prefix === undefined ? frame : { ...frame, bytes: Buffer.concat([Buffer.from(prefix), frame.bytes]) };
  }

  private async resumed(name: OutputName, cursor: StreamCursor): Promise<ResumedStream> {
    return new ResumedStream(cursor, await this.writers[name].readFrom(cursor.position, mostBeyondBytes));
  }

  /** `since`: '' for a container that has said nothing yet; else, where no cursor is left, when the file was last written to. */
  private async startOf(name: OutputName, since?: ''): Promise<StreamCursor> {
    const position = await this.writers[name].end();
    if (since === '' || position === 0) return { position, time: '', count: 0 };
    const { time } = await this.writers[name].stream.look();
    return { position, time: evenTime(new Date(time).toISOString()), count: 1_000 };
  }

  private async streamEnd(): Promise<void> {
    while (this.stream !== null && !this.stream.destroyed) await pause(5);
  }

  private async closeFiles(): Promise<void> {
    this.cursors.close();
    await Promise.all(streamNames.map((name) => this.writers[name].close()));
  }

  private complain(error: unknown): void {
    const { code } = toHiveError(error);
    // An engine that went away is told of as such, and a container that is gone has ended.
    if (this.over || this.warned || isUnreachable(error) || code === 'ENGINE_UNAVAILABLE' || statusOf(error) === 404) return;
    this.warned = true;
    this.options.warn(`The log of ${instanceKey(this.options.ref)} cannot be copied from its engine, which keeps it meanwhile: ${saidBy(error)}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
