import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../shared/errors/hive-error.js';
import type { Context } from './context.js';
import { exitCodes } from './exit-codes.js';

export interface TailOptions {
  readonly follow: boolean;
  readonly tail: number;
  /** Turns a line of a file into what is shown; as it is unless told. */
  readonly render?: (line: string) => string;
}

/** How much of the end of a file is looked at for its last lines. */
const windowBytes = 1024 * 1024;
const lookEveryMs = 200;

/** Prints the last lines of files, one file after the other, and with `follow` what is appended to any of them. */
export async function tailFiles(context: Context, files: readonly string[], options: TailOptions): Promise<void> {
  const tails = files.map((file) => new FileTail(file));
  const found = tails.filter((tail) => tail.exists());
  if (found.length === 0 && !options.follow) {
    throw new HiveError('NOT_FOUND', `There is no log: ${files.join(', ')} is not there.`, { next: 'Nothing was ever written.' });
  }
  for (const tail of tails) print(context, tail.lastLines(options.tail), options);
  if (!options.follow) return;
  context.whenInterrupted(() => exitCodes.done);
  for (;;) {
    await delay(lookEveryMs);
    for (const tail of tails) print(context, tail.newLines(), options);
  }
}

function print(context: Context, lines: readonly string[], { render = (line) => line }: TailOptions): void {
  if (context.options.json) for (const line of lines) context.terminal.out(`${JSON.stringify({ line })}\n`);
  else context.print(lines.map(render));
}

/** Where plugin output lies; each stream has a file. */
export function pluginLogFiles(context: Context, plugin: string): string[] {
  return ['stdout.log', 'stderr.log'].map((name) => join(context.home.logsFolder, '.plugins', plugin, name));
}

/** One file that grows, may be emptied, and may be replaced by a new one of the same name. */
class FileTail {
  #position = 0;
  #inode = 0;
  #rest = '';

  constructor(private readonly path: string) {}

  exists(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.isFile() === true;
  }

  lastLines(count: number): string[] {
    const text = this.#read((size) => Math.max(0, size - windowBytes));
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    return count === 0 ? [] : lines.slice(-count);
  }

  newLines(): string[] {
    const lines = (this.#rest + this.#read((size, inode) => (size < this.#position || inode !== this.#inode ? 0 : this.#position))).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  #read(start: (size: number, inode: number) => number): string {
    if (!this.exists()) return '';
    const file = openSync(this.path, 'r');
    try {
      const { size, ino } = fstatSync(file);
      const from = start(size, ino);
      const buffer = Buffer.alloc(Math.min(size - from, windowBytes));
      const read = readSync(file, buffer, 0, buffer.length, from);
      this.#position = from + read;
      this.#inode = ino;
      return buffer.toString('utf8', 0, read);
    } finally {
      closeSync(file);
    }
  }
}
