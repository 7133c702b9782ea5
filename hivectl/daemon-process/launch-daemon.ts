import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError, isErrorCode } from '../../shared/errors/hive-error.js';
import { packageRoot } from '../../shared/package-root.js';
import type { Status } from '../../shared/protocol/results.js';
import type { Context } from '../context.js';

/** How starting a daemon ended: ours runs, or another one owns the home already. */
export interface LaunchedDaemon {
  readonly kind: 'started' | 'already-runs';
  readonly status: Status;
}

const startDeadlineMs = 30_000;

export function daemonProgram(): string {
  return join(packageRoot(), 'dist', 'daemon', 'main.js');
}

/**
 * Starts a daemon of its own session for the context's home and waits until it answers. When another daemon was faster,
 * that one is answered.
 * @throws HiveError what the daemon said when it gave up; TIMEOUT
 */
export async function launchDaemon(context: Context): Promise<LaunchedDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'hivectl-'));
  const lastWords = join(folder, 'hived.stderr');
  // Not a pipe: nobody would read it once hivectl is gone, and the daemon would die of writing to it.
  const output = openSync(lastWords, 'wx', 0o600);
  try {
    const daemon = spawn(process.execPath, [daemonProgram(), '--home', context.home.home], {
      detached: true,
      stdio: ['ignore', output, output],
    });
    daemon.unref();
    return await waitUntilItAnswers(context, daemon, () => readFileSync(lastWords, 'utf8'));
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function waitUntilItAnswers(context: Context, daemon: ChildProcess, lastWords: () => string): Promise<LaunchedDaemon> {
  const deadline = performance.now() + startDeadlineMs;
  let ended = false;
  daemon.once('exit', () => (ended = true));
  daemon.once('error', () => (ended = true));
  while (performance.now() < deadline) {
    const endedBefore = ended;
    const status = await askStatus(context);
    if (status !== null) return { kind: status.pid === daemon.pid ? 'started' : 'already-runs', status };
    if (endedBefore && !isOwnedByAnother(lastWords())) throw gaveUp(lastWords());
    await delay(20);
  }
  throw new HiveError('TIMEOUT', `The daemon did not answer within ${startDeadlineMs / 1000} s.`, {
    next: `See ${context.home.daemonLog}, or run \`hivectl daemon start --foreground\`.`,
  });
}

/** The daemon that is there may still be starting: worth waiting for. */
function isOwnedByAnother(words: string): boolean {
  return words.includes('HOME_LOCKED');
}

async function askStatus(context: Context): Promise<Status | null> {
  try {
    return await (await context.client()).status();
  } catch (thrown) {
    await context.disconnect();
    if (thrown instanceof HiveError && (thrown.code === 'DAEMON_UNREACHABLE' || thrown.code === 'CONNECTION_CLOSED')) return null;
    throw thrown;
  }
}

/** The daemon's own sentence, with its code where it gave one as `[CODE]`. */
function gaveUp(words: string): HiveError {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  const said = lines.findLast((line) => /\[[A-Z_]+\]$/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  const code = /\[([A-Z_]+)\]$/.exec(said)?.[1];
  const sentence = said.replace(/^hived: /, '').replace(/ ?\[[A-Z_]+\]$/, '').replace(/([^.!?])$/, '$1.');
  return new HiveError(isErrorCode(code) ? code : 'INTERNAL', `The daemon could not start: ${sentence}`, { next: 'hivectl doctor looks for what is wrong.' });
}
