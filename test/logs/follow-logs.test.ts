import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readLogFileName } from '../../daemon/logs/log-paths.js';
import { LogStore, type LogFollowing } from '../../daemon/logs/log-store.js';
import type { InstanceRef } from '../../daemon/runner/runner.js';
import type { LogLine } from '../../shared/protocol/results.js';
import { LineCheck, finished, numberedWriter, terminate, until } from './support/numbered-writer.js';

const web: InstanceRef = { source: 'shop', service: 'web', number: 1 };

describe('following logs', () => {
  let home: string;
  let store: LogStore;
  let following: LogFollowing[];
  let writers: ChildProcess[];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'hive-follow-'));
    store = new LogStore({ home, warn: (sentence) => console.error(sentence) });
    following = [];
    writers = [];
  });

  afterEach(async () => {
    for (const one of following) one.close();
    for (const writer of writers) writer.kill('SIGKILL');
    await Promise.all([...writers.map(finished), ...following.map((one) => one.ended)]);
    await store.close();
    await rm(home, { recursive: true, force: true });
  });

  const follow = (...args: Parameters<LogStore['follow']>): LogFollowing => {
    const one = store.follow(...args);
    following.push(one);
    return one;
  };

  const collect = async (query: Parameters<LogStore['follow']>[0]): Promise<LogLine[]> => {
    const got: LogLine[] = [];
    await follow(query, (lines) => {
      got.push(...lines);
    }).started;
    return got;
  };

  it('hands on the last lines asked for, then every new one, whole', async () => {
    const { stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, 'a\nb\nc\nhalf');
    const got = await collect({ fqn: 'shop:web', lines: 2 });
    await until(() => got.length === 2);
    await appendFile(stdoutPath, ' and half\nERROR d\n');
    await until(() => got.length === 4);
    expect(got.map((line) => line.message)).toEqual(['b', 'c', 'half and half', 'ERROR d']);
    expect(got[3]?.level).toBe('error');
    expect(Math.abs(Date.parse(got[3]?.time ?? '') - Date.now())).toBeLessThan(5_000);
  });

  it('wakes when something is written after a long silence', async () => {
    const { stdoutPath } = await store.prepare(web);
    const got = await collect({ fqn: 'shop:web' });
    await appendFile(stdoutPath, 'one\n');
    await until(() => got.length === 1);
    // Longer than it polls; from then on the kernel has to say that there is something.
    await new Promise((resolve) => setTimeout(resolve, 2_600));
    const wrote = performance.now();
    await appendFile(stdoutPath, 'two\n');
    await until(() => got.length === 2);
    expect(performance.now() - wrote).toBeLessThan(1_000);
  });

  it('goes through restarts, shows what a run left unfinished, and finds instances that are yet to come', async () => {
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 1_000_000, maxFiles: 2 });
    const got = await collect({ fqn: 'shop:*' });
    await appendFile(stdoutPath, 'dying wor');
    store.untrack(web);
    await until(() => got.length === 1);
    await store.prepare(web);
    store.track(web, { maxSizeBytes: 1_000_000, maxFiles: 2 });
    await appendFile(stdoutPath, 'hello\n');
    await until(() => got.length === 2);
    const late = await store.prepare({ source: 'shop', service: 'late', number: 3 });
    await appendFile(late.stderrPath, 'here, too\n');
    const other = await store.prepare({ source: 'bank', service: 'web', number: 1 });
    await appendFile(other.stdoutPath, 'not asked for\n');
    await until(() => got.length === 3);
    expect(got.map((line) => `${line.instance} ${line.message}`)).toEqual(['shop:web#1 dying wor', 'shop:web#1 hello', 'shop:late#3 here, too']);
  });

  it('loses nothing through rotations at full speed', async () => {
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 128 * 1024, maxFiles: 100_000 });
    const check = new LineCheck();
    follow({ fqn: 'shop:web' }, (lines) => {
      for (const line of lines) check.push(line.message);
    });
    const writer = await numberedWriter(stdoutPath, 'lines', 300_000);
    writers.push(writer);
    await finished(writer);
    await until(() => check.ended || check.problems.length > 0);
    expect(check.problems).toEqual([]);
    expect(check.last).toBe(300_000);
  });

  it('holds nothing for a slow reader, and says what rotation deleted before it was read', async () => {
    const { stdoutPath } = await store.prepare(web);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const got: LogLine[] = [];
    follow({ fqn: 'shop:web' }, async (lines) => {
      got.push(...lines);
      await held;
    });
    const writer = await numberedWriter(stdoutPath, 'lines');
    writers.push(writer);
    await until(() => got.length > 0);
    store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 2 });
    const before = got.length;
    const oldestKept = async (): Promise<number> =>
      Math.min(...(await readdir(join(home, 'logs/shop/web'))).map((name) => readLogFileName(name)?.archiveStart ?? Infinity));
    await until(async () => Number.isFinite(await oldestKept()) && (await oldestKept()) > before * 100 + 1_000_000);
    await terminate(writer);
    expect(got.length).toBe(before);
    release();
    await until(() => got[got.length - 1]?.message.startsWith('end ') ?? false);
    const gap = got.find((line) => line.fields?.['skippedBytes'] !== undefined);
    expect(gap?.message).toMatch(/^… \d+ bytes were deleted by rotation before they could be shown …$/);
    const at = got.findIndex((line) => line === gap);
    const [earlier, after] = [got[at - 1]?.message ?? '', got[at + 1]?.message ?? ''];
    const text = earlier.length - String(Number.parseInt(earlier, 10)).length + 1;
    let bytes = 0;
    for (let number = Number.parseInt(earlier, 10) + 1; number < Number.parseInt(after, 10); number += 1) bytes += String(number).length + text;
    expect(gap?.fields?.['skippedBytes']).toBe(bytes);
  });

  it('ends when the reader fails', async () => {
    const { stdoutPath } = await store.prepare(web);
    const one = store.follow({ fqn: 'shop:web' }, () => Promise.reject(new Error('gone')));
    await one.started;
    await appendFile(stdoutPath, 'x\n');
    await expect(one.ended).rejects.toThrow('gone');
  });
});
