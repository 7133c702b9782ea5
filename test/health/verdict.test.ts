import { describe, expect, it } from '@jest/globals';
import { afterProbe, combineVerdicts, freshHistory, type CheckHistory, type CheckTiming } from '../../daemon/health/verdict.js';

const timing: CheckTiming = { intervalMs: 10_000, retries: 3, startPeriodMs: 0 };

/** Feeds `<second><+|->` marks, such as `3- 10- 12+`, to a check that started at 0. */
function after(marks: string, over: Partial<CheckTiming> = {}, from: CheckHistory = freshHistory(0, null)): CheckHistory {
  return marks.split(' ').reduce((history, mark) => {
    const probe = { passed: mark.endsWith('+'), atMs: Number(mark.slice(0, -1)) * 1000 };
    return afterProbe(history, { ...timing, ...over }, 0, probe);
  }, from);
}

describe('the verdict of a health check', () => {
  it('is healthy from the first success on', () => {
    expect(after('0.05+').verdict).toBe('healthy');
    expect(after('0.05- 0.1- 0.15- 0.2+').verdict).toBe('healthy');
  });

  it('does not count the early looks at an instance that comes up, however many fail', () => {
    expect(after('0.1- 0.2- 0.3- 0.5- 1- 2- 4- 8- 9.9-')).toMatchObject({ verdict: 'none', failures: 0 });
  });

  it('is unhealthy after `retries` failures at the pace of the interval', () => {
    expect(after('0.1- 5- 10- 12- 20-').verdict).toBe('none');
    expect(after('0.1- 5- 10- 12- 20- 25- 30-').verdict).toBe('unhealthy');
    expect(after('1-', { retries: 1, intervalMs: 1000 }).verdict).toBe('unhealthy');
  });

  it('counts no failure within the start period, and every interval after it', () => {
    const over = { startPeriodMs: 60_000 };
    expect(after('10- 20- 30- 40- 50- 59-', over)).toMatchObject({ verdict: 'none', failures: 0 });
    expect(after('10- 50- 60- 65- 70-', over)).toMatchObject({ verdict: 'none', failures: 2 });
    expect(after('10- 50- 60- 65- 70- 80-', over).verdict).toBe('unhealthy');
  });

  it('ends the start period with the first success: from then on every failure counts', () => {
    expect(after('1+ 2- 3-', { startPeriodMs: 60_000 }).verdict).toBe('healthy');
    expect(after('1+ 2- 3- 4-', { startPeriodMs: 60_000 }).verdict).toBe('unhealthy');
  });

  it('forgets failures at a success and is healthy again at the first one', () => {
    expect(after('1+ 11- 21- 31+ 41- 51-').verdict).toBe('healthy');
    expect(after('1+ 11- 21- 31- 41+').verdict).toBe('healthy');
  });

  it('goes on from what an earlier daemon knew', () => {
    expect(after('5000- 5010-', {}, freshHistory(0, true)).verdict).toBe('healthy');
    expect(after('5000- 5010- 5020-', {}, freshHistory(0, true)).verdict).toBe('unhealthy');
    // Nothing known of an old instance: its first failure counts, the next not before an interval has passed.
    expect(after('5000- 5001- 5009-')).toMatchObject({ verdict: 'none', failures: 1 });
    expect(after('5000- 5010- 5020-').verdict).toBe('unhealthy');
  });
});

describe('several checks of one service', () => {
  it('are healthy when all are, unhealthy when one is, open otherwise', () => {
    expect(combineVerdicts(['healthy', 'healthy'])).toBe('healthy');
    expect(combineVerdicts(['healthy', 'none'])).toBe('none');
    expect(combineVerdicts(['none', 'unhealthy', 'healthy'])).toBe('unhealthy');
  });
});
