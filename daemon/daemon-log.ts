import { join } from 'node:path';
import { pino, type Logger } from 'pino';

export type { Logger };

/** The daemon's own log: JSON lines in `hived.log`, mode 0600; `HIVE_LOG_LEVEL` (default info) says how much. */
export function openDaemonLog(home: string): Logger {
  const destination = pino.destination({ dest: join(home, 'hived.log'), mode: 0o600, sync: true });
  // A full disk must not end the daemon: a log line that cannot be written is lost.
  destination.on('error', () => {});
  return pino({ level: process.env['HIVE_LOG_LEVEL'] ?? 'info', timestamp: pino.stdTimeFunctions.isoTime, base: { pid: process.pid } }, destination);
}
