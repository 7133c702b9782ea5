import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, readFile, readdir, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isGone } from '../../shared/process/process-row.js';
import { readProcess } from '../../shared/process/proc-table.js';
import { errorCode, isMissing, syncFolder, unlessMissing } from './durable-files.js';
import type { StreamPaths } from './log-paths.js';
import type { LogStream } from './log-stream.js';
import type { Warn } from './open-stream.js';
import { bytesToCollapse, bytesToPunch } from './rotation-plan.js';
import type { RotationStep } from './rotate.js';
import { writeMeta, type CollapseIntent } from './stream-meta.js';

type Way = 'collapse' | 'punch' | 'none';
type Tried = 'done' | 'unsupported' | 'no-program' | 'failed';

/**
 * Takes archived bytes from the front of live files, in whole blocks, while their services write on.
 *
 * Collapsing moves everything behind the blocks forward, so that doing it twice would lose lines. Two things make it
 * safe to be killed at any instant. First, the live file's front, archived already, is overwritten with a random stamp
 * before the intent is written: whoever finds the intent sees by the stamp whether the blocks went. Second, the command
 * that collapses may outlive the daemon that started it and run late: it must first rename a permit, and whoever
 * recovers takes the permit away, or waits for the command that was faster.
 */
export class SpaceReclaimer {
  private way: Way = 'collapse';
  private warned = false;

  constructor(
    private readonly warn: Warn,
    private readonly fallocate: string,
    private readonly onStep: (step: RotationStep) => void,
  ) {}

  /** Frees what lies before the stream's start and remembers the start. */
  async reclaim(stream: LogStream): Promise<void> {
    if (this.way === 'collapse') await this.collapse(stream);
    if (this.way === 'punch') await this.punch(stream);
    const { base, start } = stream.layout;
    await writeMeta(stream.paths.meta, { base, start });
    this.onStep('settled');
  }

  private async collapse(stream: LogStream): Promise<void> {
    const { paths, layout } = stream;
    const { size, block } = await measure(paths.live);
    const archived = layout.start - layout.base;
    const bytes = bytesToCollapse(archived, block, size);
    if (bytes === 0) return;
    const intent = { bytes, stamp: randomBytes(32).toString('hex') };
    await Promise.all([stampFront(paths.live, intent, archived), writeFile(permitPath(paths, intent), '', { mode: 0o600 })]);
    this.onStep('stamped');
    await writeMeta(paths.meta, { base: layout.base, start: layout.start, collapse: intent });
    await syncFolder(paths.folder);
    this.onStep('intended');
    let tried: Tried = 'done';
    await stream.takeFront(async () => {
      const running = this.run(['--collapse-range', '--offset', '0', '--length', String(bytes), paths.live], permitPath(paths, intent));
      this.onStep('collapsing');
      tried = await running;
      return (await beginsWith(paths.live, intent.stamp)) ? 0 : bytes;
    });
    this.onStep('collapsed');
    this.learn(tried, 'punch', paths.live);
  }

  /** Idempotent, and only ever used where nothing collapses: a late or repeated one frees only what is archived. */
  private async punch(stream: LogStream): Promise<void> {
    const { paths, layout } = stream;
    const { block } = await measure(paths.live);
    const bytes = bytesToPunch(layout.start - layout.base, block);
    if (bytes === 0) return;
    this.learn(await this.run(['--punch-hole', '--offset', '0', '--length', String(bytes), paths.live], null), 'none', paths.live);
  }

  private learn(tried: Tried, otherwise: Way, live: string): void {
    if (tried === 'done') return;
    if (tried === 'unsupported') this.way = otherwise;
    if (tried === 'no-program') this.way = 'none';
    if (this.warned || (this.way === 'punch' && tried === 'unsupported')) return;
    this.warned = true;
    this.warn(
      tried === 'failed'
        ? `Taking archived lines from the front of ${live} failed; no line is lost, and it is tried again at the next rotation.`
        : `The live log files grow without bound, because ${tried === 'no-program' ? `the program ${this.fallocate} (package util-linux) is missing` : `the file system of ${live} can neither collapse nor punch files`}. Archives are made all the same.`,
    );
  }

  /** Runs fallocate, with a permit only after it is renamed; resolves when the command has ended and the permit is gone. */
  private run(args: readonly string[], permit: string | null): Promise<Tried> {
    const script = permit === null ? 'shift; exec "$@"' : 'mv -- "$1" "$1.$$" && shift && exec "$@"';
    return new Promise((resolve, reject) => {
      const child = execFile('/bin/sh', ['-c', script, 'sh', permit ?? '-', this.fallocate, ...args], { env: { ...process.env, LC_ALL: 'C' } }, (error, _stdout, stderr) => {
        const tried = error === null ? 'done' : error.code === 127 ? 'no-program' : /not supported|unrecognized option|unknown option/i.test(stderr) ? 'unsupported' : 'failed';
        const left = permit === null ? [] : [permit, `${permit}.${child.pid}`];
        Promise.all(left.map((path) => unlessMissing(unlink(path)))).then(() => resolve(tried), reject);
      });
    });
  }
}

/** Whether the blocks of an intent that a killed daemon left are gone; nobody carries it out any more from then on. */
export async function settleCollapse(paths: StreamPaths, intent: CollapseIntent): Promise<boolean> {
  const permit = permitPath(paths, intent);
  if ((await unlessMissing(unlink(permit).then(() => true))) === null) await waitForClaims(paths, permit);
  return !(await beginsWith(paths.live, intent.stamp));
}

async function beginsWith(path: string, text: string): Promise<boolean> {
  const file = await unlessMissing(open(path, 'r'));
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(text.length), 0, text.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === text;
  } finally {
    await file.close();
  }
}

/** Writes the stamp, and newlines over the archived bytes that the blocks leave over, so that no line is there twice. */
async function stampFront(live: string, intent: CollapseIntent, archived: number): Promise<void> {
  const file = await open(live, 'r+');
  try {
    await file.write(Buffer.from(intent.stamp, 'latin1'), 0, intent.stamp.length, 0);
    if (archived > intent.bytes) await file.write(Buffer.alloc(archived - intent.bytes, '\n'), 0, archived - intent.bytes, intent.bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function measure(live: string): Promise<{ size: number; block: number }> {
  const [{ size, blksize }, { bsize }] = await Promise.all([stat(live), statfs(live)]);
  return { size, block: Math.max(blksize, bsize, 4096) };
}

/** A name for this one intent: a command that comes late must not find the permit of the next. */
function permitPath(paths: StreamPaths, intent: CollapseIntent): string {
  return `${paths.live}.reclaim-${intent.stamp}`;
}

export function isPermit(name: string): boolean {
  return /\.reclaim-[0-9a-f]{64}(\.\d+)?$/.test(name);
}

const claimDeadlineMs = 30_000;

/** Waits until every command that took the permit has ended; its process id is in the name that it gave the permit. */
async function waitForClaims(paths: StreamPaths, permit: string): Promise<void> {
  const deadline = Date.now() + claimDeadlineMs;
  const claimed = `${basename(permit)}.`;
  const names = (await readdir(paths.folder)).filter((name) => name.startsWith(claimed));
  const claims = names.map((name) => ({ path: join(paths.folder, name), pid: Number(name.slice(claimed.length)) }));
  for (const claim of claims) {
    while (await isCollapsing(claim.pid, paths.live)) {
      if (Date.now() > deadline) throw new Error(`Process ${claim.pid} has been collapsing ${paths.live} for ${claimDeadlineMs / 1000} s.`);
      await wait(5);
    }
  }
  for (const claim of claims) await unlessMissing(unlink(claim.path));
}

/**
 * The command line tells ours from a process that got the same id later. It is empty for a zombie, and for a moment also
 * for a process that is just being executed, as ours is on its way from sh to fallocate: that one is still to come.
 */
async function isCollapsing(pid: number, live: string): Promise<boolean> {
  try {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (commandLine !== '') return commandLine.split('\0').includes(live);
    const row = readProcess(pid);
    return row !== null && !isGone(row);
  } catch (error) {
    if (isMissing(error) || errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
