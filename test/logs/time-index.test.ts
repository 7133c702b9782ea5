import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TimeIndexFile } from '../../daemon/logs/time-index-file.js';
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

describe('the file of sparse times', () => {
  it('outlives a write that was cut off, and stays small', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hive-index-'));
    try {
      const path = join(folder, 'index');
      const first = new TimeIndexFile(path, () => 0);
      expect(await first.open()).toBeNull();
      first.begin(mark(0, 1_000));
      first.observe(mark(0, 1_000), mark(10, 9_000));
      await first.flush();
      await appendFile(path, 'torn');

      const second = new TimeIndexFile(path, () => 0);
      expect(await second.open()).toEqual(mark(10, 9_000));
      second.observe(mark(10, 9_000), mark(20, 20_000));
      await second.flush();
      expect(await second.marks()).toEqual([mark(0, 1_000), mark(10, 9_000), mark(20, 20_000)]);

      for (let index = 3; index < 20_000; index += 1) {
        second.observe(mark(10 * index - 10, 10_000 * index - 10_000), mark(10 * index, 10_000 * index));
        if (index % 500 === 0) await second.flush();
      }
      await second.flush();
      expect((await stat(path)).size).toBeLessThanOrEqual(64 * 1024);
      const third = new TimeIndexFile(path, () => 0);
      expect(await third.open()).toEqual(mark(199_990, 199_990_000));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
