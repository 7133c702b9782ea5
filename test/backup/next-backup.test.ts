import { describe, expect, it } from '@jest/globals';
import { nextBackup, type BackupHistory, type Timing } from '../../plugins/backup/schedule/next-backup.js';

const started = 1_000_000_000_000;
const minute = 60_000;
const timing: Timing = { everyMs: 60 * minute, onCrash: true, crashSettleMs: 10_000, crashPauseMs: 5 * minute };
const fresh: BackupHistory = { lastSuccessAt: null, lastFailureAt: null, failures: 0, crashAt: null, lastCrashBackupAt: null };
const next = (history: Partial<BackupHistory>, change: Partial<Timing> = {}) => nextBackup({ ...fresh, ...history }, { ...timing, ...change }, started);

describe('when the next backup is due', () => {
  it('is soon after the first start, then an interval after the last one', () => {
    expect(next({})).toEqual({ at: started + 10_000, reason: 'interval' });
    expect(next({ lastSuccessAt: started })).toEqual({ at: started + 60 * minute, reason: 'interval' });
    // What was due while nobody was there is due now.
    expect(next({ lastSuccessAt: started - 600 * minute })?.at).toBeLessThan(started);
  });

  it('is never, when nothing says so', () => {
    expect(next({}, { everyMs: null })).toBeNull();
    expect(next({ crashAt: started }, { everyMs: null, onCrash: false })).toBeNull();
  });

  it('follows a crash after a while, but not each of many', () => {
    const lastSuccessAt = started;
    expect(next({ lastSuccessAt, crashAt: started + minute })).toEqual({ at: started + minute + 10_000, reason: 'crash' });
    expect(next({ lastSuccessAt, crashAt: started + minute, lastCrashBackupAt: started })).toEqual({ at: started + 5 * minute, reason: 'crash' });
    expect(next({ lastSuccessAt, crashAt: started + 59.9 * minute })).toEqual({ at: started + 60 * minute, reason: 'interval' });
    expect(next({ crashAt: started }, { everyMs: null })).toEqual({ at: started + 10_000, reason: 'crash' });
  });

  it('waits longer after each failure, never longer than the interval', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((failures) => ((next({ failures, lastFailureAt: started, lastSuccessAt: started - 600 * minute })?.at ?? 0) - started) / minute);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(next({ failures: 3, lastFailureAt: started, crashAt: started - minute }, { everyMs: null })).toEqual({ at: started + 4 * minute, reason: 'crash' });
  });
});
