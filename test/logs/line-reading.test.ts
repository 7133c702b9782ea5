import { describe, expect, it } from '@jest/globals';
import { levelOfText, levelOfValue } from '../../daemon/logs/levels.js';
import { timeAtStart, timeOfValue } from '../../daemon/logs/line-time.js';
import { parseLine } from '../../daemon/logs/parse-line.js';
import { BackwardSplitter, ForwardSplitter, longestShownLine, type RawLine } from '../../daemon/logs/split-lines.js';

describe('the level that a line states', () => {
  it.each([
    ['INFO starting', 'info'],
    ['[info] starting', 'info'],
    ['\u001b[32minfo\u001b[39m: starting', 'info'],
    ['Warning: old', 'warn'],
    ['error: no such file', 'error'],
    ['2024-05-01T10:00:00Z ERROR no', 'error'],
    ['2024-05-01 10:00:00,123 - my.module - CRITICAL - down', 'fatal'],
    ['2024/05/01 10:00:00 [error] 12#12: upstream', 'error'],
    ['INFO:root:hello', 'info'],
    ['time="2024-05-01T10:00:00Z" level=warning msg="x"', 'warn'],
    ['ts=1 level="debug" x', 'debug'],
    ['E0102 15:04:05.000000 1 main.go:10] no', 'error'],
    ['TypeError: x is not a function', 'error'],
    ['Traceback (most recent call last):', 'error'],
    ['java.lang.IllegalStateException: no', 'error'],
    ['panic: runtime error', 'fatal'],
    ['[2024-05-01 10:00:00] app.ERROR: no', null],
    ['an error in a sentence', null],
    ['Error pages are served', null],
    ['listening on 8080', null],
    ['', null],
  ])('%s → %s', (text, level) => {
    expect(levelOfText(text)).toBe(level);
  });

  it('reads words, pino numbers and syslog severities', () => {
    expect([10, 20, 30, 40, 50, 60, 35].map(levelOfValue)).toEqual(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'info']);
    expect([0, 3, 4, 6, 7].map(levelOfValue)).toEqual(['fatal', 'error', 'warn', 'info', 'debug']);
    expect(['Err', '30', 'loud', null, {}, Number.NaN].map(levelOfValue)).toEqual(['error', 'info', null, null, null, null]);
  });

  it('takes no long time over a hostile line', () => {
    const began = performance.now();
    for (const text of ['['.repeat(10_000), '[ '.repeat(5_000), 'a-'.repeat(5_000), '1:'.repeat(5_000), '2024-01-01 '.repeat(900)]) {
      for (let round = 0; round < 200; round += 1) levelOfText(text);
    }
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('the time that a line has of its own', () => {
  it('reads ISO 8601 at its start and numbers of any unit', () => {
    const instant = Date.parse('2024-05-01T10:00:00.123Z');
    expect(timeAtStart('2024-05-01T10:00:00.123Z hello')).toBe(instant);
    expect(timeAtStart('[2024-05-01 12:00:00,123456+02:00] hello')).toBe(instant);
    expect(timeAtStart('2024-05-01 10:00:00')).toBe(new Date(2024, 4, 1, 10).getTime());
    expect(timeAtStart('at 2024-05-01T10:00:00Z')).toBeNull();
    expect(timeAtStart('2024-13-41T99:00:00Z')).toBeNull();
    expect([instant / 1e3, instant, instant * 1e3, instant * 1e6].map(timeOfValue)).toEqual([instant, instant, instant, instant]);
    expect([17, -1, Infinity, 'soon', null].map(timeOfValue)).toEqual([null, null, null, null, null]);
  });
});

describe('a line as it is shown', () => {
  const raw = (bytes: Buffer, length = bytes.length): RawLine => ({ start: 0, end: length + 1, bytes, length });

  it('takes level, time and message of a JSON line out of its fields', () => {
    expect(parseLine(raw(Buffer.from('{"level":"warn","ts":1714557600.5,"msg":"slow","ms":7}')))).toEqual({
      level: 'warn', time: 1714557600500, message: 'slow', fields: { ms: 7 }, continues: false,
    });
    expect(parseLine(raw(Buffer.from('{"a":1}'))).message).toBe('{"a":1}');
    expect(parseLine(raw(Buffer.from('{not json}')))).toMatchObject({ level: null, message: '{not json}' });
  });

  it('cuts a long line between characters and says so', () => {
    const bytes = Buffer.from('x' + 'ü'.repeat(40_000)).subarray(0, longestShownLine);
    const { message } = parseLine(raw(bytes, 80_001));
    expect(message).not.toContain('\ufffd');
    expect(message.endsWith('ü … [a line of 80001 bytes; the first 65536 are shown]')).toBe(true);
  });
});

describe('cutting a stream into lines', () => {
  const text = Buffer.from(`\nalpha\n\nbeta\r\n${'g'.repeat(longestShownLine)}\n${'h'.repeat(longestShownLine + 1)}\n\n\nlast`);
  const short = Buffer.from('\nalpha\n\nbeta\r\ngamma\n\n\nlast');
  const view = (line: RawLine): unknown => [line.start, line.end, line.length, line.bytes.length, line.bytes.toString('latin1', 0, 20)];

  const forward = (size: number, bytes: Buffer): unknown[] => {
    const splitter = new ForwardSplitter(100);
    const lines: RawLine[] = [];
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
    const rest = splitter.flush();
    return [...lines, ...(rest === null ? [] : [rest])].map(view);
  };

  const backward = (size: number, bytes: Buffer): unknown[] => {
    const splitter = new BackwardSplitter(100 + bytes.length);
    const lines: RawLine[] = [];
    for (let end = bytes.length; end > 0; end -= size) lines.push(...splitter.push(bytes.subarray(Math.max(0, end - size), end)));
    const rest = splitter.flush();
    return [...lines, ...(rest === null ? [] : [rest])].reverse().map(view);
  };

  const ended = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from('\n')]);

  it.each([
    ['short lines', short, [1, 2, 3, 7, 100]],
    ['short lines, all ended', ended(short), [1, 2, 3, 7, 100]],
    ['long lines', text, [4096, 65_536, 65_537, 1_000_000]],
    ['long lines, all ended', ended(text), [4096, 65_536, 65_537, 1_000_000]],
    ['empty lines', Buffer.from('\n\n\n'), [1, 2, 3]],
  ])('gives the same lines either way and in blocks of any size: %s', (_name, bytes, sizes) => {
    const expected = forward(1_000_000, bytes);
    for (const size of sizes) {
      expect(forward(size, bytes)).toEqual(expected);
      expect(backward(size, bytes)).toEqual(expected);
    }
  });
});
