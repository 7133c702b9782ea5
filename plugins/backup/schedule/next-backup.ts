/** What is remembered of backups, across restarts of the plugin. Times in milliseconds since 1970; null: not yet. */
export interface BackupHistory {
  readonly lastSuccessAt: number | null;
  readonly lastFailureAt: number | null;
  /** Failures since the last success. */
  readonly failures: number;
  /** The first crash that no backup was made for. */
  readonly crashAt: number | null;
  /** When the last backup for a crash was begun. */
  readonly lastCrashBackupAt: number | null;
}

export interface Timing {
  /** Null: never by itself. */
  readonly everyMs: number | null;
  readonly onCrash: boolean;
  /** Between a crash and its backup, so that others that follow at once are in it. */
  readonly crashSettleMs: number;
  /** At least so long between two backups for crashes. */
  readonly crashPauseMs: number;
}

export interface NextBackup {
  readonly at: number;
  readonly reason: 'interval' | 'crash';
}

const firstRetryMs = 60_000;
/** The first backup of a plugin that never made one waits until services are up. */
const firstBackupMs = 10_000;

/** When the next backup is due, and because of what; null: not before something happens. `startedAt`: of this plugin. */
export function nextBackup(history: BackupHistory, timing: Timing, startedAt: number): NextBackup | null {
  const due = [byInterval(history, timing, startedAt), forCrash(history, timing)].filter((one) => one !== null);
  const [first] = due.sort((one, other) => one.at - other.at);
  if (first === undefined) return null;
  return { ...first, at: Math.max(first.at, retryAt(history, timing)) };
}

function byInterval({ lastSuccessAt }: BackupHistory, { everyMs }: Timing, startedAt: number): NextBackup | null {
  if (everyMs === null) return null;
  const at = lastSuccessAt === null ? startedAt + Math.min(firstBackupMs, everyMs) : lastSuccessAt + everyMs;
  return { at, reason: 'interval' };
}

function forCrash({ crashAt, lastCrashBackupAt }: BackupHistory, { onCrash, crashSettleMs, crashPauseMs }: Timing): NextBackup | null {
  if (!onCrash || crashAt === null) return null;
  const paused = lastCrashBackupAt === null ? 0 : lastCrashBackupAt + crashPauseMs;
  return { at: Math.max(crashAt + crashSettleMs, paused), reason: 'crash' };
}

/** After a failure 1 min, then 2, 4…, never longer than the interval. */
function retryAt({ failures, lastFailureAt }: BackupHistory, { everyMs }: Timing): number {
  if (failures === 0 || lastFailureAt === null) return 0;
  const pause = firstRetryMs * 2 ** Math.min(failures - 1, 10);
  return lastFailureAt + Math.min(pause, everyMs ?? pause);
}
