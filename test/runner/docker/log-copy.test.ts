import { describe, expect, it } from '@jest/globals';
import { evenTime, LogFrames, sinceOf } from '../../../daemon/runner/docker/log-frames.js';
import { ResumedStream } from '../../../daemon/runner/docker/resumed-stream.js';
import { seededRandom } from '../../support/seeded-random.js';

const time = (nanoseconds: number): string => `2026-01-02T03:04:05.${String(nanoseconds).padStart(9, '0')}Z`;

/** Copies lines into a file as the daemon does, killed after `writes` of them were written and `counted` were counted. */
function resume(lines: readonly { time: string; text: string }[], writes: number, counted: number, tornBytes: number): string {
  const whole = lines.map(({ text }) => text).join('');
  const bytesOf = (count: number): number => lines.slice(0, count).reduce((sum, { text }) => sum + text.length, 0);
  const first = new ResumedStream({ position: 0, time: '', count: 0 }, Buffer.alloc(0));
  for (const line of lines.slice(0, counted)) {
    first.take(line.time, Buffer.from(line.text));
    first.count(line.time, line.text.length);
  }
  let file = whole.slice(0, bytesOf(writes) + tornBytes);
  const next = new ResumedStream(first.cursor, Buffer.from(file.slice(first.cursor.position)));
  for (const line of lines) {
    const rest = next.take(line.time, Buffer.from(line.text));
    if (rest === null) continue;
    file += rest.toString();
    next.count(line.time, line.text.length);
  }
  expect(next.cursor.position).toBe(file.length);
  return file;
}

describe('a log that is copied from an engine', () => {
  it('has every line once, wherever the daemon was killed, also where many lines have one time', () => {
    const random = seededRandom(4711);
    for (let round = 0; round < 2_000; round += 1) {
      let at = 0;
      const lines = Array.from({ length: 1 + Math.floor(random() * 12) }, (_, index) => {
        at += random() < 0.6 ? 0 : 1 + Math.floor(random() * 3);
        return { time: time(at), text: random() < 0.5 ? 'same\n' : `line ${index}\n` };
      });
      const writes = Math.floor(random() * (lines.length + 1));
      const counted = Math.floor(random() * (writes + 1));
      const torn = writes < lines.length && random() < 0.3 ? 1 + Math.floor(random() * 3) : 0;
      expect(resume(lines, writes, counted, torn)).toBe(lines.map(({ text }) => text).join(''));
    }
  });

  it('is read from frames that come in any pieces, whose times are made comparable', () => {
    const frame = (stream: number, text: string): Buffer => {
      const bytes = Buffer.from(text);
      const header = Buffer.alloc(8);
      header[0] = stream;
      header.writeUInt32BE(bytes.length, 4);
      return Buffer.concat([header, bytes]);
    };
    const whole = Buffer.concat([frame(1, '2026-01-02T03:04:05.12Z out 1\n'), frame(2, '2026-01-02T05:04:05.120000001+02:00 err 1\n'), frame(1, '2026-01-02T03:04:06Z half a line')]);
    for (const size of [1, 3, 7, 8, 9, 1_000]) {
      const frames = new LogFrames();
      const read = [];
      for (let at = 0; at < whole.length; at += size) read.push(...frames.push(whole.subarray(at, at + size)));
      expect(read.map((one) => [one.stream, one.time, one.bytes.toString()])).toEqual([
        ['stdout', '2026-01-02T03:04:05.120000000Z', 'out 1\n'],
        ['stderr', '2026-01-02T03:04:05.120000001Z', 'err 1\n'],
        ['stdout', '2026-01-02T03:04:06.000000000Z', 'half a line'],
      ]);
    }
  });

  it('is asked for from a little before the last line that is there', () => {
    expect(sinceOf(evenTime('2026-01-02T03:04:05.5Z'))).toBe(`${Date.parse('2026-01-02T03:04:03Z') / 1_000}.500000000`);
  });
});
