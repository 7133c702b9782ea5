import { createWriteStream, type WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { EngineConnection } from './engine-connection.js';

/** What a task's container writes, appended to the task's files as it comes. */
export class TaskOutput {
  private readonly files: { readonly stdout: WriteStream; readonly stderr: WriteStream };
  private rest: Buffer = Buffer.alloc(0);
  private readonly ended: Promise<void>;

  private constructor(private readonly stream: Readable, { stdoutPath, stderrPath }: { stdoutPath: string; stderrPath: string }) {
    const stdout = createWriteStream(stdoutPath, { flags: 'a', mode: 0o600 });
    this.files = { stdout, stderr: stderrPath === stdoutPath ? stdout : createWriteStream(stderrPath, { flags: 'a', mode: 0o600 }) };
    for (const file of [this.files.stdout, this.files.stderr]) file.on('error', () => stream.destroy());
    stream.on('data', (chunk: Buffer) => this.take(chunk));
    this.ended = new Promise((resolve) => {
      for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
    });
  }

  /** To be called before the container is started, so that nothing is missed. */
  static async attached(connection: EngineConnection, container: string, paths: { stdoutPath: string; stderrPath: string }): Promise<TaskOutput> {
    const stream = await connection.call((engine) => engine.getContainer(container).attach({ stream: true, stdout: true, stderr: true }));
    return new TaskOutput(stream as unknown as Readable, paths);
  }

  /** Resolves when everything is in the files; after a second what an engine still holds back is let go. */
  async complete(): Promise<void> {
    await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    await Promise.all([...new Set([this.files.stdout, this.files.stderr])].map((file) => new Promise<void>((resolve) => file.end(() => resolve()))));
  }

  close(): void {
    this.stream.destroy();
    this.files.stdout.destroy();
    this.files.stderr.destroy();
  }

  private take(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= 8 && this.rest.length >= 8 + this.rest.readUInt32BE(4)) {
      const end = 8 + this.rest.readUInt32BE(4);
      this.files[this.rest[0] === 2 ? 'stderr' : 'stdout'].write(this.rest.subarray(8, end));
      this.rest = this.rest.subarray(end);
    }
  }
}
