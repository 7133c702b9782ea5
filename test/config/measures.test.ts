import { describe, expect, it } from '@jest/globals';
import { formatDuration, parseDuration } from '../../shared/config/durations.js';
import { formatSize, parsePercentage, parseSize } from '../../shared/config/sizes.js';

describe('durations', () => {
  it.each([['500ms', 500], ['30s', 30_000], ['5m', 300_000], ['1h', 3_600_000], ['1.5s', 1500], [' 2 d ', 172_800_000], ['0s', 0]])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: milliseconds });
  });

  it.each([
    ['30', 'has no unit: write 30s'],
    ['0', 'has no unit'],
    ['5 parsecs', 'unknown unit "parsecs"'],
    ['', 'is not a duration'],
    ['-5s', 'is not a duration'],
    ['1e3s', 'is not a duration'],
    ['s', 'is not a duration'],
    ['25d', 'longer than 24 days'],
    ['9999999999999999999h', 'is too large'],
    ['5constructor', 'unknown unit'],
  ])('refuses %j', (text, part) => {
    expect(parseDuration(text)).toEqual({ ok: false, message: expect.stringContaining(part) as unknown });
  });

  it.each([[90_000, '90s'], [3_600_000, '1h'], [0, '0s'], [1500, '1500ms'], [120_000, '2m']])('writes %i', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe('sizes', () => {
  it.each([['512KB', 524_288], ['10MB', 10_485_760], ['1GB', 1_073_741_824], ['1.5KiB', 1536], ['7B', 7]])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toEqual({ ok: true, value: bytes });
  });

  it.each([['10', 'has no unit: write 10MB'], ['10mb', 'unknown unit "mb"'], ['ten', 'is not a size']])('refuses %j', (text, part) => {
    expect(parseSize(text)).toEqual({ ok: false, message: expect.stringContaining(part) as unknown });
  });

  it('writes the shortest exact size', () => {
    expect([10_485_760, 1025, 0].map((bytes) => formatSize(bytes))).toEqual(['10MB', '1025B', '0B']);
  });
});

describe('percentages', () => {
  it('reads fractions', () => {
    expect(parsePercentage('80%')).toEqual({ ok: true, value: 0.8 });
    expect(parsePercentage('12.5%')).toEqual({ ok: true, value: 0.125 });
  });

  it.each(['80', '101%', '0.8'])('refuses %s', (text) => {
    expect(parsePercentage(text).ok).toBe(false);
  });
});
