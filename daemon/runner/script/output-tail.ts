import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const mostBytes = 4_096;

/** The end of what is written to files from now on. Reads them only when asked, so that output costs nothing meanwhile. */
export class OutputTail {
  private readonly files: readonly { readonly path: string; readonly start: number }[];

  /** The last lines of the first file that got any are those that count. */
  constructor(paths: readonly string[]) {
    this.files = [...new Set(paths)].map((path) => ({ path, start: statSync(path, { throwIfNoEntry: false })?.size ?? 0 }));
  }

  /** At most `count` lines, oldest first, without empty ones; none where nothing can be read. */
  read(count: number): string[] {
    for (const { path, start } of this.files) {
      const lines = endOf(path, start).split('\n').map((line) => line.trimEnd()).filter((line) => line !== '').slice(-count);
      if (lines.length > 0) return lines;
    }
    return [];
  }
}

function endOf(path: string, start: number): string {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      // A file that has become shorter was rotated meanwhile.
      const from = Math.max(size < start ? 0 : start, size - mostBytes);
      const bytes = Buffer.alloc(size - from);
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
