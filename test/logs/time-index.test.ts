import { describe, expect, it } from '@jest/globals';
import { marksFor, offsetAt, thinned, writtenAt, type TimeMark } from '../../daemon/logs/time-index.js';

const mark = (offset: number, time: number): TimeMark => ({ offset, time });

describe('the sparse times of a stream', () => {
  it('marks steady growth every five seconds', () => {
    expect(marksFor(mark(0, 0), null, mark(10, 1_000), mark(20, 2_000))).toEqual([]);
    expect(marksFor(mark(0, 0), mark(40, 4_000), mark(40, 4_000), mark(50, 5_000))).toEqual([mark(50, 5_000)]);
  });

  it('marks both ends of a silence, and what came just before it', () => {
    const marks = [mark(0, 0), ...marksFor(mark(0, 0), mark(10, 1_000), mark(10, 60_000), mark(20, 61_000))];
    expect(marks).toEqual([mark(0, 0), mark(10, 1_000), mark(10, 60_000), mark(20, 61_000)]);
    expect(writtenAt(marks, 10).time).toBe(1_000);
    expect(writtenAt(marks, 15)).toEqual({ time: 60_500, earliest: 60_000, latest: 61_000 });
    expect(writtenAt(marks, 20).time).toBe(61_000);
    expect(writtenAt(marks, 99).time).toBe(61_000);
    expect(writtenAt([], 5).time).toBe(0);
  });

  it('finds from where on everything was written after a time', () => {
    const marks = [mark(0, 1_000), mark(100, 2_000), mark(100, 8_000), mark(200, 9_000)];
    expect([500, 1_500, 2_500, 8_500, 10_000].map((time) => offsetAt(marks, time))).toEqual([0, 0, 100, 100, 200]);
  });

  it('stays ordered when the clock was set back', () => {
    expect(marksFor(mark(10, 9_000), null, mark(10, 3_000), mark(20, 4_000))).toEqual([]);
  });

  it('is thinned to its limit, from the oldest byte that is kept', () => {
    const marks = Array.from({ length: 5_000 }, (_, index) => mark(index * 10, index));
    const kept = thinned(marks, 20_005, 1_000);
    expect(kept.length).toBeLessThanOrEqual(1_000);
    expect(kept[0]).toEqual(mark(20_000, 2_000));
    expect(kept[kept.length - 1]).toEqual(mark(49_990, 4_999));
  });
});
