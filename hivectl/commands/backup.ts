import { resolve } from 'node:path';
import type { DaemonClient } from '../../shared/client/daemon-client.js';
import { HiveError } from '../../shared/errors/hive-error.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { ensureDaemon } from '../daemon-process/ensure-daemon.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import { LiveArea } from '../live-area.js';
import { renderCreated, renderRestore, renderSnapshots, type CreatedSnapshot, type RestoreAnswer, type SnapshotList, type VerifiedSnapshot } from '../render/snapshots.js';
import { humanSize, humanTime } from '../render/measures.js';
import { count, cut, printable } from '../render/text.js';
import { until } from '../wait/until.js';

/** The plugin that all of this is asked of. */
const plugin = 'backup';
const readyWithinMs = 20_000;

interface Elsewhere { readonly from: string | undefined; readonly 'key-file': string | undefined; readonly timeout: string }
type Named = Elsewhere & { readonly snapshot: string | undefined };

export async function createBackup(context: Context, { timeout }: { timeout: string }): Promise<void> {
  const created = (await ask(context, 'create', {}, timeout)) as CreatedSnapshot;
  context.show(created, () => renderCreated(created, context.terminal.paint));
}

export async function listBackups(context: Context, args: Elsewhere): Promise<void> {
  const { from } = place(context, args);
  const list = (await ask(context, 'list', { from }, args.timeout)) as SnapshotList;
  context.show(list, () => renderSnapshots(list, context.terminal.columns, context.terminal.paint));
  if (from !== undefined) return;
  const { problem, lastFailureAt } = (await ask(context, 'status', {}, args.timeout)) as { problem: string | null; lastFailureAt: string | null };
  if (problem !== null) context.note(`The last backup failed (${humanTime(lastFailureAt ?? '', new Date()).replace(/\.\d+$/, '')}): ${printable(problem)}`);
}

export async function verifyBackup(context: Context, args: Named): Promise<void> {
  const { from } = place(context, args);
  const verified = (await ask(context, 'verify', { from, id: args.snapshot }, args.timeout)) as VerifiedSnapshot;
  context.show(verified, ({ id, files, bytes }) => [`Snapshot ${id} was restored to scratch and compared: ${count(files, 'file')}, ${humanSize(bytes)}, all as they were backed up.`]);
}

export async function restoreBackup(context: Context, args: Named & { only: string | undefined; yes: boolean }): Promise<ExitCode | void> {
  const { from } = place(context, args);
  const answer = (await ask(context, 'restore', { from, id: args.snapshot, only: args.only, apply: args.yes }, args.timeout)) as RestoreAnswer;
  context.show(answer, () => renderRestore(answer, context.terminal.paint));
  if (answer.outcome === null && answer.steps.length > 0) context.note(`Nothing was changed yet. To go on: ${again(args, answer.snapshot)}`);
  return answer.outcome !== null && answer.outcome.failed.length > 0 ? exitCodes.failed : exitCodes.done;
}

/** Asks the plugin, shows how far it is, and starts what is needed when the place is named: then nothing need be set up. */
async function ask(context: Context, method: string, params: Record<string, unknown>, timeout: string): Promise<unknown> {
  const deadlineMs = readDuration('timeout', timeout);
  const isElsewhere = params['from'] !== undefined;
  const client = isElsewhere ? await ensureDaemon(context) : await context.client();
  await (isElsewhere ? wake(client) : settled(client));
  const area = context.terminal.progressRows === null || context.options.quiet || context.options.json ? null : new LiveArea(context.terminal);
  const columns = context.terminal.columns ?? 80;
  context.whenInterrupted(() => {
    area?.draw([]);
    context.note(method === 'restore' ? 'Interrupted. A restore that has begun goes on to its end; the same command shows what is left.' : 'Interrupted.');
    return 130;
  });
  try {
    return await client.callPlugin({ plugin, method, params }, { deadlineMs, onProgress: (value) => area?.draw([cut(progressLine(value), columns - 1)]) });
  } catch (thrown) {
    throw thrown instanceof HiveError && thrown.code === 'PLUGIN_NOT_READY' ? await notRunning(client, thrown) : thrown;
  } finally {
    area?.draw([]);
  }
}

/** Just after the daemon has come up, the plugin is on its way. */
async function settled(client: DaemonClient): Promise<void> {
  const isDecided = async (): Promise<true | null> => {
    const found = (await client.listPlugins()).plugins.find(({ id }) => id === plugin);
    return found === undefined || found.state === 'starting' || found.state === 'backoff' ? null : true;
  };
  // What it is when it takes too long, the call itself finds out.
  await until(isDecided, readyWithinMs, 'The backup plugin is slow.').catch(() => undefined);
}

/** Lets the plugin run, so that a machine that knows nothing can get its things back. */
async function wake(client: DaemonClient): Promise<void> {
  const ready = async (): Promise<true | null> => ((await client.listPlugins()).plugins.some(({ id, state }) => id === plugin && state === 'ready') ? true : null);
  if ((await ready()) !== null) return;
  const { state } = await client.enablePlugin({ plugin });
  if (state === 'failed' || state === 'quarantined') await client.restartPlugin({ plugin });
  await until(ready, readyWithinMs, `The backup plugin is not ready after ${readyWithinMs / 1_000} s; hivectl plugin info backup says why.`);
}

async function notRunning(client: DaemonClient, error: HiveError): Promise<HiveError> {
  const { reason, state } = await client.getPlugin({ plugin });
  const next = state === 'stopped' || state === 'disabled'
    ? 'Write `plugins: {backup: {enabled: true, dir: /where/to}}` into the hive.yaml of the default source (docs/backup.md), or name a place: --from /folder.'
    : 'hivectl plugin logs backup may say more.';
  return new HiveError(error.code, `The backup plugin is ${state}. ${reason}`.trimEnd(), { next });
}

function place(context: Context, { from, 'key-file': keyFile }: Elsewhere): { from: object | undefined } {
  const passphrase = process.env['HIVE_BACKUP_PASSPHRASE'];
  if (from === undefined) {
    if (keyFile !== undefined) throw new HiveError('INVALID_PARAMS', '--key-file goes with --from.', { next: 'The key to what hive.yaml names is plugins.backup.encryption.' });
    return { from: undefined };
  }
  const location = from.includes('://') ? from : resolve(context.cwd, from);
  return {
    from: {
      location,
      ...(keyFile === undefined ? {} : { keyFile: resolve(context.cwd, keyFile) }),
      ...(keyFile !== undefined || passphrase === undefined || passphrase === '' ? {} : { passphrase }),
    },
  };
}

function again(args: Named & { only: string | undefined }, snapshot: string): string {
  const words = ['hivectl', 'backup', 'restore', snapshot];
  if (args.only !== undefined) words.push('--only', args.only);
  if (args.from !== undefined) words.push('--from', `'${args.from}'`);
  if (args['key-file'] !== undefined) words.push('--key-file', args['key-file']);
  return [...words, '--yes'].join(' ');
}

function progressLine(value: unknown): string {
  const { step = '', done, of } = (value ?? {}) as { step?: string; done?: number; of?: number };
  return done === undefined || of === undefined ? `${step}…` : `${step} (${done + 1} of ${Math.max(of, done + 1)})…`;
}
