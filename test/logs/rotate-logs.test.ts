import type { ChildProcess } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, statfs, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streamPaths } from '../../daemon/logs/log-paths.js';
import { LogStore, type LogStoreOptions } from '../../daemon/logs/log-store.js';
import { LogStream } from '../../daemon/logs/log-stream.js';
import { bytesToCollapse, nextLookIn, planRotation, quietestMs } from '../../daemon/logs/rotation-plan.js';
import type { InstanceRef } from '../../daemon/runner/runner.js';
import { checkStream, finished, fixture, numberedWriter, terminate, until } from './support/numbered-writer.js';

const web: InstanceRef = { source: 'shop', service: 'web', number: 1 };
const tmpfsMagic = 0x01021994;

describe('what a rotation takes', () => {
  const policy = { maxSizeBytes: 100, maxFiles: 3 };

  it('is one archive after the other, and nothing that would be deleted at once', () => {
    expect(planRotation(0, 99, policy)).toEqual({ kind: 'wait' });
    expect(planRotation(50, 150, policy)).toEqual({ kind: 'archive', before: 150 });
    expect(planRotation(0, 399, policy)).toEqual({ kind: 'archive', before: 100 });
    expect(planRotation(0, 1_050, policy)).toEqual({ kind: 'drop', before: 700 });
    expect(planRotation(0, 100, { maxSizeBytes: 100, maxFiles: 0 })).toEqual({ kind: 'drop', before: 100 });
  });

  it('is given back in whole blocks, never the whole file', () => {
    expect(bytesToCollapse(10_000, 4096, 20_000)).toBe(8192);
    expect(bytesToCollapse(8192, 4096, 8192)).toBe(4096);
    expect(bytesToCollapse(4095, 4096, 4095)).toBe(0);
    expect(bytesToCollapse(4096, 4096, 4096)).toBe(0);
  });

  it('is looked for often where much is written, seldom where nothing is', () => {
    const fast = nextLookIn({ grown: 5e6, elapsedMs: 100, room: 1e7, previousMs: 1000, active: 1 });
    expect(fast).toBeCloseTo(100);
    expect(nextLookIn({ grown: 100, elapsedMs: 1000, room: 1e7, previousMs: 1000, active: 1 })).toBe(1000);
    expect(nextLookIn({ grown: 100, elapsedMs: 1000, room: 1e7, previousMs: 1000, active: 2000 })).toBe(10_000);
    let wait = 0;
    for (let look = 0; look < 10; look += 1) wait = nextLookIn({ grown: 0, elapsedMs: wait, room: 1e7, previousMs: wait, active: 1 });
    expect(wait).toBe(quietestMs);
  });
});

describe('rotation', () => {
  let home: string;
  let warnings: string[];
  let stores: LogStore[];
  let writers: ChildProcess[];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'hive-rotate-'));
    warnings = [];
    stores = [];
    writers = [];
  });

  afterEach(async () => {
    for (const writer of writers) writer.kill('SIGKILL');
    await Promise.all(writers.map(finished));
    for (const store of stores) await store.close();
    await rm(home, { recursive: true, force: true });
  });

  const open = (options: Partial<LogStoreOptions> = {}): LogStore => {
    const store = new LogStore({ home, warn: (sentence) => warnings.push(sentence), ...options });
    stores.push(store);
    return store;
  };
  const folder = (at = home): string => join(at, 'logs/shop/web');
  const archives = async (at = home): Promise<string[]> => (await readdir(folder(at))).filter((name) => /^1\.stdout\.log\.\d+$/.test(name)).sort();
  const stored = (at = home): LogStream => new LogStream(web, 'stdout', streamPaths(folder(at), 1, 'stdout'), (sentence) => warnings.push(sentence));

  /** Writes at full speed through some rotations and checks every line. */
  const throughRotations = async (at: string, options: Partial<LogStoreOptions>): Promise<void> => {
    let settled = 0;
    const store = open({ home: at, ...options, onRotationStep: (step) => (settled += step === 'settled' ? 1 : 0) });
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 100_000 });
    const writer = await numberedWriter(stdoutPath, 'blocks', 200_000);
    writers.push(writer);
    await until(() => settled >= 3);
    await finished(writer);
    await until(async () => (await stat(stdoutPath)).size > 0 && (await archives(at)).length > 250);
    await store.close();
    const check = await checkStream(stored(at));
    expect(check.problems).toEqual([]);
    expect(check.last).toBe(200_000);
  };

  it('keeps as many archives as asked for, of whole lines, and stays within its bounds', async () => {
    const store = open();
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 1_000_000, maxFiles: 3 });
    const writer = await numberedWriter(stdoutPath, 'blocks', 500_000);
    writers.push(writer);
    await finished(writer);
    await until(async () => (await stat(stdoutPath)).size < 1_000_000 + 4096);
    await until(async () => (await archives()).length === 3);
    for (const name of await archives()) {
      const text = await readFile(join(folder(), name), 'latin1');
      expect(text.endsWith('\n')).toBe(true);
      expect(text.length).toBeGreaterThan(900_000);
      expect(text.length).toBeLessThanOrEqual(1_000_000);
    }
    expect((await store.get({ fqn: 'shop:web', lines: 1 }))[0]?.message).toBe('end 500000');
    await store.close();
    const check = await checkStream(stored());
    expect(check.problems).toEqual([]);
    expect(check.ended).toBe(true);
  });

  it('punches holes where the file system cannot collapse', async () => {
    await throughRotations(home, { fallocate: fixture('cannot-collapse.sh') });
    const { size, blocks } = await stat(join(folder(), '1.stdout.log'));
    expect(blocks * 512).toBeLessThan(size / 2);
    expect(warnings).toEqual([]);
  });

  it('works on tmpfs', async () => {
    const shm = await statfs('/dev/shm').catch(() => null);
    // The machine without one has the test above.
    if (shm?.type !== tmpfsMagic) return;
    const at = await mkdtemp('/dev/shm/hive-rotate-');
    try {
      await throughRotations(at, {});
      expect(warnings).toEqual([]);
    } finally {
      await rm(at, { recursive: true, force: true });
    }
  });

  it.each([['can do neither', 'cannot-fallocate.sh', 'file system'], ['has no such program', 'is-not-there.sh', 'util-linux']])('warns once where the machine %s, and archives all the same', async (_what, program, reason) => {
    await throughRotations(home, { fallocate: fixture(program) });
    expect(warnings).toEqual([expect.stringContaining(reason)]);
  });

  it('bounds a service that writes without ever ending a line', async () => {
    const store = open();
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 2 });
    for (let round = 0; round < 20; round += 1) await appendFile(stdoutPath, 'x'.repeat(100_000));
    await until(async () => (await stat(stdoutPath)).size < 72 * 1024);
    await until(async () => (await archives()).length === 2);
    for (const name of await archives()) expect((await stat(join(folder(), name))).size).toBe(64 * 1024);
    const [line] = await store.get({ fqn: 'shop:web' });
    expect(line?.message).toMatch(/^x{65536} … \[a line of \d+ bytes; the first 65536 are shown\]$/);
  });

  it('keeps a line that is longer than the copying buffer whole where an archive can hold it', async () => {
    const store = open();
    const { stdoutPath } = await store.prepare(web);
    const long = `${'y'.repeat(900_000)}\n`;
    await appendFile(stdoutPath, `short\n${'z'.repeat(400_000)}\n${long}after\n`);
    store.track(web, { maxSizeBytes: 1_000_000, maxFiles: 5 });
    await until(async () => (await archives()).length === 1);
    expect((await readFile(join(folder(), (await archives())[0] ?? ''), 'latin1')).length).toBe(400_007);
    expect((await store.get({})).map((line) => line.message.length)).toEqual([5, 65_590, 65_590, 5]);
  });

  it('loses nothing when its instance is restarted again and again meanwhile', async () => {
    let archived = 0;
    const store = open({ onRotationStep: (step) => (archived += step === 'archived' ? 1 : 0) });
    const { stdoutPath } = await store.prepare(web);
    const writer = await numberedWriter(stdoutPath, 'lines', 300_000);
    writers.push(writer);
    await until(() => {
      store.untrack(web);
      store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 100_000 });
      return false;
    }, 1_500).catch(() => undefined);
    await until(() => archived > 20);
    await finished(writer);
    await store.close();
    const check = await checkStream(stored());
    expect(check.problems).toEqual([]);
    expect(check.last).toBe(300_000);
  });

  it('says so when somebody empties a log, and goes on', async () => {
    const store = open();
    const { stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, 'one\ntwo\n');
    expect((await store.get({})).length).toBe(2);
    await truncate(stdoutPath, 0);
    await appendFile(stdoutPath, 'x\n');
    expect((await store.get({})).map((line) => line.message)).toEqual(['x']);
    expect(warnings).toEqual([expect.stringContaining('emptied by somebody else')]);
    const again = open();
    expect((await again.get({})).map((line) => line.message)).toEqual(['x']);
  });

  it('shows each line once, though its meta file is damaged', async () => {
    const store = open();
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 1_000 });
    const writer = await numberedWriter(stdoutPath, 'lines', 10_000);
    writers.push(writer);
    await finished(writer);
    await until(async () => (await stat(stdoutPath)).size < 70_000);
    await store.close();
    await writeFile(`${stdoutPath}.meta`, '{"base":');
    const lines = (await open().get({ lines: 100_000 })).filter((line) => line.message !== '');
    expect(lines.length).toBe(10_001);
    expect(warnings).toEqual([expect.stringContaining('.meta is missing or unreadable')]);
  });

  it('finds lines by when they were written, also through a restart of the daemon', async () => {
    const first = open();
    const { stdoutPath } = await first.prepare(web);
    await appendFile(stdoutPath, 'an hour ago\n');
    const hourAgo = Date.now() / 1000 - 3600;
    await utimes(stdoutPath, hourAgo, hourAgo);
    await rm(`${stdoutPath}.index`, { force: true });
    const second = open();
    await second.recover();
    await second.get({});
    await second.close();
    const third = open();
    await third.recover();
    await appendFile(stdoutPath, 'now\n');
    const since = new Date(Date.now() - 60_000).toISOString();
    expect((await third.get({ since })).map((line) => line.message)).toEqual(['now']);
    const all = await third.get({});
    expect(all.map((line) => line.message)).toEqual(['an hour ago', 'now']);
    expect(Math.abs(Date.parse(all[0]?.time ?? '') / 1000 - hourAgo)).toBeLessThan(5);
  });

  it('deletes everything of a service that is deleted', async () => {
    const store = open();
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 3 });
    const writer = await numberedWriter(stdoutPath, 'lines', 100_000);
    writers.push(writer);
    await finished(writer);
    await terminate(writer);
    await store.deleteLogs('shop', 'web');
    await expect(stat(folder())).rejects.toThrow('ENOENT');
    expect(await store.get({})).toEqual([]);
    await expect(store.deleteLogs('..', 'web')).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    await store.prepare(web);
    await appendFile(stdoutPath, 'anew\n');
    expect((await store.get({})).map((line) => line.message)).toEqual(['anew']);
  });
});
