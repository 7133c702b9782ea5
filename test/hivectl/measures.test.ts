import { describe, expect, it } from '@jest/globals';
import { readSince, readSinceOrSequence, readDuration } from '../../hivectl/command-line/read-time.js';
import { humanCpu, humanDuration, humanSize } from '../../hivectl/render/measures.js';

describe('measures', () => {
  it.each([
    [0, '0.0s'], [850, '0.8s'], [9_940, '9.9s'], [12_000, '12s'], [75_000, '1m 15s'], [3_600_000, '1h'], [90_000_000, '1d 1h'], [-5, '0.0s'],
  ])('%d ms reads %s', (milliseconds, text) => expect(humanDuration(milliseconds)).toBe(text));

  it.each([[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KB'], [42 * 2 ** 20, '42 MB'], [1.5 * 2 ** 30, '1.5 GB'], [3 * 2 ** 40, '3.0 TB']])(
    '%d bytes read %s',
    (bytes, text) => expect(humanSize(bytes)).toBe(text),
  );

  it.each([[0, '0.0%'], [0.023, '2.3%'], [1.5, '150%']])('%d of a core reads %s', (fraction, text) => expect(humanCpu(fraction)).toBe(text));
});

describe('--since and --timeout', () => {
  const now = new Date('2026-03-01T12:00:00.000Z');

  it('reads durations back from now, times, and numbers of events', () => {
    expect(readSince('5m', now)).toBe('2026-03-01T11:55:00.000Z');
    expect(readSince('2026-02-01T00:00:00Z', now)).toBe('2026-02-01T00:00:00.000Z');
    expect(readSinceOrSequence('41', now)).toBe(41);
    expect(readSinceOrSequence('#41', now)).toBe(41);
    expect(readSinceOrSequence('41s', now)).toBe('2026-03-01T11:59:19.000Z');
  });

  it('refuses the rest with a sentence', () => {
    expect(() => readSince('yesterday', now)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
    expect(() => readDuration('timeout', '5')).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', message: expect.stringContaining('has no unit') }));
  });
});
