import { describe, expect, it } from '@jest/globals';
import { whatMayGo, type Keep, type Kept } from '../../plugins/backup/schedule/retention.js';
import { seededRandom } from '../support/seeded-random.js';

const hour = 3_600_000;
const day = 24 * hour;
const now = Date.parse('2026-11-22T19:00:00Z');
const none: Keep = { last: 0, hourly: 0, daily: 0, weekly: 0 };
const at = (time: string, verified = true): Kept => ({ id: time, at: Date.parse(time), verified });

describe('retention', () => {
  it('keeps the last ones, and the last of each hour, day and week that has one', () => {
    const times = ['2026-11-01T10:00:00Z', '2026-11-09T10:00:00Z', '2026-11-15T23:59:00Z', '2026-11-16T00:01:00Z', '2026-11-21T08:00:00Z', '2026-11-22T08:00:00Z', '2026-11-22T17:10:00Z', '2026-11-22T17:50:00Z', '2026-11-22T18:30:00Z'];
    const all = times.map((time) => at(time));
    const stays = (keep: Partial<Keep>): string[] => {
      const going = whatMayGo(all, { ...none, ...keep });
      return times.filter((time) => !going.includes(time));
    };
    expect(stays({ last: 2 })).toEqual(times.slice(-2));
    expect(stays({ hourly: 3 })).toEqual(['2026-11-22T08:00:00Z', '2026-11-22T17:50:00Z', '2026-11-22T18:30:00Z']);
    expect(stays({ daily: 3 })).toEqual(['2026-11-16T00:01:00Z', '2026-11-21T08:00:00Z', '2026-11-22T18:30:00Z']);
    // Monday, 16 November begins a week.
    expect(stays({ weekly: 2 })).toEqual(['2026-11-15T23:59:00Z', '2026-11-22T18:30:00Z']);
    expect(stays({})).toEqual(['2026-11-22T18:30:00Z']);
  });

  it('counts only what was verified, and lets go what was not and is old', () => {
    const all = [at('2026-11-20T10:00:00Z', false), at('2026-11-21T10:00:00Z'), at('2026-11-22T10:00:00Z', false), at('2026-11-22T11:00:00Z', false)];
    expect(whatMayGo(all, { ...none, last: 1 })).toEqual(['2026-11-20T10:00:00Z', '2026-11-22T10:00:00Z']);
    expect(whatMayGo(all, { ...none, last: 2 })).toEqual(['2026-11-20T10:00:00Z']);
  });

  it('counts all while none was verified', () => {
    const all = [at('2026-11-20T10:00:00Z', false), at('2026-11-21T10:00:00Z', false)];
    expect(whatMayGo(all, { ...none, last: 1 })).toEqual(['2026-11-20T10:00:00Z']);
    expect(whatMayGo([], { ...none, last: 1 })).toEqual([]);
  });

  it('holds its promises for any snapshots and any rule', () => {
    const random = seededRandom(17);
    const upTo = (most: number): number => Math.floor(random() * (most + 1));
    for (let round = 0; round < 2_000; round++) {
      const snapshots: Kept[] = Array.from({ length: upTo(60) }, (_, index) => {
        const spread = [hour, day, 40 * day][upTo(2)] ?? day;
        return { id: `s${index}`, at: now - Math.floor(random() * spread), verified: random() < 0.7 };
      });
      const keep: Keep = { last: upTo(5), hourly: upTo(5), daily: upTo(5), weekly: upTo(5) };
      const going = whatMayGo(snapshots, keep);
      const stay = snapshots.filter(({ id }) => !going.includes(id));

      const newestOf = (some: readonly Kept[]): number => Math.max(...some.map((one) => one.at));
      const verified = snapshots.filter((one) => one.verified);
      // Never the newest verified one, and never everything.
      if (verified.length > 0) expect(newestOf(stay.filter((one) => one.verified))).toBe(newestOf(verified));
      if (snapshots.length > 0) expect(stay.length).toBeGreaterThan(0);
      // Not more than was asked for.
      expect(stay.length).toBeLessThanOrEqual(2 * Math.max(keep.last, 1) + keep.hourly + keep.daily + keep.weekly);
      // The last ones stay.
      const counted = (verified.length > 0 ? verified : snapshots).toSorted((one, other) => other.at - one.at);
      for (const { at: time } of counted.slice(0, keep.last)) expect(stay.some((one) => one.at === time)).toBe(true);
      // Done twice, nothing more goes; the order in which they are listed is no matter; a more generous rule keeps no less.
      expect(whatMayGo(stay, keep)).toEqual([]);
      expect(new Set(whatMayGo(snapshots.toReversed(), keep))).toEqual(new Set(going));
      const generous = whatMayGo(snapshots, { last: keep.last + 1, hourly: keep.hourly + 1, daily: keep.daily + 1, weekly: keep.weekly + 1 });
      expect(generous.filter((id) => !going.includes(id))).toEqual([]);
    }
  });
});
