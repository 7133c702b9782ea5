import type { DaemonClient } from '../../shared/client/daemon-client.js';
import { HiveError } from '../../shared/errors/hive-error.js';
import type { Context } from '../context.js';

/** The running daemon, or one that is started now. With a `--socket` elsewhere, nothing is started. */
export async function ensureDaemon(context: Context): Promise<DaemonClient> {
  try {
    return await context.client();
  } catch (thrown) {
    const mayStart = thrown instanceof HiveError && thrown.code === 'DAEMON_UNREACHABLE' && context.socket === context.home.socket;
    if (!mayStart) throw thrown;
  }
  await context.disconnect();
  const { launchDaemon } = await import('./launch-daemon.js');
  const { kind, status } = await launchDaemon(context);
  if (kind === 'started') context.note(`Started the daemon (pid ${status.pid}).`);
  else context.note(`Another daemon was faster: pid ${status.pid} owns ${status.home}.`);
  return context.client();
}
