import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LogPaths } from '../../logs/log-paths.js';

/** How far the log of a container has been written into one file of Hive's. */
export interface StreamCursor {
  /** Position in the stream after the last line that is counted here. */
  readonly position: number;
  /** The engine's time of that line; '' before the first one. */
  readonly time: string;
  /** How many lines with exactly that time are counted. */
  readonly count: number;
}

export interface LogCursor {
  readonly container: string;
  readonly stdout: StreamCursor;
  readonly stderr: StreamCursor;
}

const bytes = 512;

/**
 * The file beside the logs that says how far they go, written after them, in place and in one piece: a daemon that is killed
 * in between leaves a cursor that lags behind, never one that is ahead.
 */
export class LogCursorFile {
  private readonly path: string;
  private file: number | null = null;

  /** `name`: the instance's number, or what else there is one of. */
  constructor(paths: Pick<LogPaths, 'folder'>, name: number | string) {
    this.path = join(paths.folder, `${name}.cursor`);
  }

  /** Null where there is none, or only one of another container. */
  read(container: string): LogCursor | null {
    try {
      const cursor = JSON.parse(readFileSync(this.path, 'utf8')) as LogCursor;
      return cursor.container === container && isStreamCursor(cursor.stdout) && isStreamCursor(cursor.stderr) ? cursor : null;
    } catch {
      return null;
    }
  }

  write(cursor: LogCursor): void {
    this.file ??= openSync(this.path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    writeSync(this.file, JSON.stringify(cursor).padEnd(bytes), 0);
  }

  remove(): void {
    this.close();
    rmSync(this.path, { force: true });
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }
}

function isStreamCursor(value: unknown): value is StreamCursor {
  const { position, time, count } = (value ?? {}) as Partial<StreamCursor>;
  return Number.isSafeInteger(position) && typeof time === 'string' && Number.isSafeInteger(count);
}
