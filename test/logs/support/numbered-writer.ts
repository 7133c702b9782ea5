import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../shared/package-root.js';
import { ForwardSplitter } from '../../../daemon/logs/split-lines.js';
import type { LogStream } from '../../../daemon/logs/log-stream.js';

export function fixture(name: string): string {
  return join(packageRoot(), 'test', 'fixtures', name);
}

/** Runs a program whose stdout is the file, opened for appending, as a service's is. */
export async function writeTo(path: string, command: string, args: readonly string[]): Promise<ChildProcess> {
  const file = await open(path, 'a', 0o600);
  try {
    return spawn(command, args, { stdio: ['ignore', file.fd, 'inherit'] });
  } finally {
    await file.close();
  }
}

/** A service that writes numbered lines at full speed. */
export function numberedWriter(path: string, mode: 'lines' | 'blocks', most = Infinity): Promise<ChildProcess> {
  return writeTo(path, process.execPath, [fixture('writes-numbered-lines.mjs'), mode, String(most)]);
}

export async function finished(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export async function terminate(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  child.kill('SIGCONT');
  await finished(child);
}

/** Polls until `holds`; fails after `deadlineMs`. */
export async function until(holds: () => boolean | Promise<boolean>, deadlineMs = 30_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Not so after ${deadlineMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const line = /^(\d+) the quick brown fox jumps over the lazy dog and then over the next one, without ever looking back$/;

/** Checks lines that are pushed into it: numbered without a gap, none twice, none torn, and the end where the writer said. */
export class LineCheck {
  last: number | null = null;
  ended = false;
  readonly problems: string[] = [];

  push(text: string): void {
    const number = line.exec(text)?.[1];
    if (number !== undefined && !this.ended && (this.last === null || Number(number) === this.last + 1)) {
      this.last = Number(number);
    } else if (text === `end ${this.last}`) {
      this.ended = true;
    } else if (this.problems.length < 10) {
      this.problems.push(`after ${this.last}: ${JSON.stringify(text.slice(0, 120))}`);
    }
  }
}

/** Reads the whole of what is kept of a stream and checks its lines. */
export async function checkStream(stream: LogStream): Promise<LineCheck> {
  await stream.open();
  const check = new LineCheck();
  const { offset: end } = await stream.look();
  const splitter = new ForwardSplitter(stream.layout.archives[0]?.start ?? stream.layout.start);
  for (;;) {
    const block = await stream.readFrom(splitter.next, end, 1024 * 1024);
    if (block === null) break;
    if (block.at !== splitter.next) check.problems.push(`a gap of ${block.at - splitter.next} bytes at ${splitter.next}`);
    if (block.at !== splitter.next) splitter.skipTo(block.at);
    for (const raw of splitter.push(block.bytes)) check.push(raw.bytes.toString('latin1'));
  }
  return check;
}
