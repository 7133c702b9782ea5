import { HiveError } from '../../shared/errors/hive-error.js';
import { isGone } from '../../shared/process/process-row.js';
import { readProcess } from '../../shared/process/proc-table.js';
import type { Status } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { launchDaemon } from '../daemon-process/launch-daemon.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import { renderDaemonStatus } from '../render/daemon-status.js';
import { ownVersion } from '../version.js';
import { startProgress } from '../wait/progress.js';
import { until } from '../wait/until.js';

type StopArguments = { 'keep-services': boolean; timeout: string };

export async function startDaemon(context: Context, args: { foreground: boolean }): Promise<ExitCode | void> {
  const running = await statusIfRunning(context);
  if (running !== null) {
    if (args.foreground) throw lockedBy(running);
    context.show(running, () => [`The daemon runs already: pid ${running.pid} owns ${running.home}.`]);
    return;
  }
  if (args.foreground) return (await import('../daemon-process/foreground-daemon.js')).runInForeground(context);
  const { kind, status } = await launchDaemon(context);
  const sentence = kind === 'started' ? `Started the daemon (pid ${status.pid}) in ${status.home}.` : `Another daemon was faster: pid ${status.pid} owns ${status.home}.`;
  context.show(status, () => [sentence]);
}

export async function stopDaemon(context: Context, args: StopArguments): Promise<ExitCode | void> {
  const ended = await endDaemon(context, args['keep-services'], readDuration('timeout', args.timeout));
  context.show({}, () => [
    ended === null ? 'No daemon is running.' : `The daemon is stopped${args['keep-services'] ? `; ${ended.services.running} services run on` : ''}.`,
  ]);
}

/** Stops the daemon that runs and waits until its process is gone; answers what it was, null when none ran. */
export async function endDaemon(context: Context, keepServices: boolean, timeoutMs: number): Promise<Status | null> {
  const running = await statusIfRunning(context);
  if (running !== null) await stopRunning(context, running, keepServices, timeoutMs);
  return running;
}

export async function restartDaemon(context: Context, args: StopArguments): Promise<void> {
  await endDaemon(context, args['keep-services'], readDuration('timeout', args.timeout));
  const { status } = await launchDaemon(context);
  context.show(status, () => [`The daemon runs as pid ${status.pid}.`]);
}

export async function daemonStatus(context: Context): Promise<void> {
  const status = await (await context.client()).status();
  context.show(status, () => renderDaemonStatus(status, ownVersion(), context.terminal.paint));
}

/** Asks the daemon to stop and waits until its process is gone, showing the services that it waits for. */
async function stopRunning(context: Context, running: Status, keepServices: boolean, timeoutMs: number): Promise<void> {
  const client = await context.client();
  context.whenInterrupted(() => {
    context.note('\nNo longer waiting; the daemon goes on stopping.');
    return exitCodes.failed;
  });
  const { services } = keepServices ? { services: [] } : await client.listServices();
  const progress = startProgress(context, services.filter(({ state }) => state !== 'stopped' && state !== 'completed'), 'stopped');
  try {
    await client.shutdown({ graceful: true, keepServices }, { deadlineMs: timeoutMs });
    await until(
      async () => {
        const row = readProcess(running.pid);
        return row === null || isGone(row) ? true : null;
      },
      timeoutMs,
      `The daemon (pid ${running.pid}) did not stop within ${timeoutMs / 1000} s.`,
    );
  } finally {
    await context.disconnect();
    await progress.end();
  }
}


async function statusIfRunning(context: Context): Promise<Status | null> {
  try {
    return await (await context.client()).status();
  } catch (thrown) {
    await context.disconnect();
    if (thrown instanceof HiveError && thrown.code === 'DAEMON_UNREACHABLE') return null;
    throw thrown;
  }
}

function lockedBy({ pid, home }: Status): HiveError {
  return new HiveError('HOME_LOCKED', `Another daemon (pid ${pid}) owns ${home}.`, { next: 'Stop it first: hivectl daemon stop' });
}
