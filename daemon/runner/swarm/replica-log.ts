import { streamNames, type OutputName } from '../../logs/log-paths.js';
import type { StreamWriter, TimedBytes } from '../../logs/stream-writer.js';
import type { LogCursor, LogCursorFile, StreamCursor } from '../docker/log-cursor.js';
import type { LogFrame } from '../docker/log-frames.js';
import { ResumedStream } from '../docker/resumed-stream.js';

/** A killed daemon wrote at most one chunk of the engine's that it did not count. */
const mostBeyondBytes = 4 * 1024 * 1024;

/** Writes the lines of one task into the files of its replica, each once, however often the swarm tells them. */
export class ReplicaLog {
  private constructor(
    private readonly task: string,
    private readonly writers: Readonly<Record<OutputName, StreamWriter>>,
    private readonly file: LogCursorFile,
    private readonly streams: Readonly<Record<OutputName, ResumedStream>>,
  ) {}

  static async open(task: string, writers: Readonly<Record<OutputName, StreamWriter>>, file: LogCursorFile): Promise<ReplicaLog> {
    const cursor = file.read(task);
    const streams = await Promise.all(streamNames.map((name) => resumed(writers[name], cursor?.[name])));
    const [stdout, stderr] = streams as [ResumedStream, ResumedStream];
    return new ReplicaLog(task, writers, file, { stdout, stderr });
  }

  get cursor(): LogCursor {
    return { container: this.task, stdout: this.streams.stdout.cursor, stderr: this.streams.stderr.cursor };
  }

  async take(frames: readonly LogFrame[]): Promise<void> {
    for (const name of streamNames) {
      const stream = this.streams[name];
      const lines: (TimedBytes & { readonly text: string; readonly counts: number })[] = [];
      for (const { time, bytes } of frames.filter((frame) => frame.stream === name)) {
        const rest = stream.take(time, bytes);
        if (rest !== null) lines.push({ bytes: rest, time: Date.parse(time), text: time, counts: bytes.length });
      }
      if (lines.some(({ bytes }) => bytes.length > 0)) await this.writers[name].write(lines);
      for (const { text, counts } of lines) stream.count(text, counts);
    }
    this.file.write(this.cursor);
  }

  close(): void {
    this.file.close();
  }
}

/** Without a cursor the task is new, and its lines begin where the file ends. */
async function resumed(writer: StreamWriter, cursor: StreamCursor | undefined): Promise<ResumedStream> {
  if (cursor === undefined) return new ResumedStream({ position: await writer.end(), time: '', count: 0 }, Buffer.alloc(0));
  return new ResumedStream(cursor, await writer.readFrom(cursor.position, mostBeyondBytes));
}
