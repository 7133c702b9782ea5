import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streamPaths } from '../../daemon/logs/log-paths.js';
import { LogStore } from '../../daemon/logs/log-store.js';
import { LogStream } from '../../daemon/logs/log-stream.js';
import { rotationSteps } from '../../daemon/logs/rotate.js';
import type { InstanceRef } from '../../daemon/runner/runner.js';
import { checkStream, finished, fixture, LineCheck, numberedWriter, terminate, until } from '../logs/support/numbered-writer.js';

const web: InstanceRef = { source: 'shop', service: 'web', number: 1 };
const rotatingDaemon = join(dirname(fileURLToPath(import.meta.url)), '..', 'logs', 'support', 'rotating-daemon.js');

describe('promise 6: no log line is lost, doubled or torn', () => {
  let home: string;
  let warnings: string[];
  let children: ChildProcess[];

  beforeEach(async () => {
    children = [];
    home = await mkdtemp(join(tmpdir(), 'hive-p06-'));
    warnings = [];
  });

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(finished));
    await rm(home, { recursive: true, force: true });
  });

  const startWriter = async (path: string, mode: 'lines' | 'blocks'): Promise<ChildProcess> => {
    const writer = await numberedWriter(path, mode);
    children.push(writer);
    return writer;
  };

  /** A daemon that kills itself at the given step; the writer is held while there is none, or it would fill the disk. */
  const runDaemon = async (writer: ChildProcess, args: readonly string[], environment = process.env): Promise<ChildProcess> => {
    const daemon = spawn(process.execPath, [rotatingDaemon, home, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: environment });
    children.push(daemon);
    daemon.stdout.once('data', () => writer.kill('SIGCONT'));
    daemon.once('exit', () => writer.kill('SIGSTOP'));
    return daemon;
  };

  const stored = (): LogStream => new LogStream(web, 'stdout', streamPaths(join(home, 'logs/shop/web'), 1, 'stdout'), (sentence) => warnings.push(sentence));

  it.each(['lines', 'blocks'] as const)('through 100 rotations at full speed (%s)', async (mode) => {
    let archived = 0;
    const store = new LogStore({ home, warn: (sentence) => warnings.push(sentence), onRotationStep: (step) => (archived += step === 'archived' ? 1 : 0) });
    const { stdoutPath } = await store.prepare(web);
    store.track(web, { maxSizeBytes: 64 * 1024, maxFiles: 1_000_000 });
    const writer = await startWriter(stdoutPath, mode);
    await until(() => archived >= 100);
    expect(writer.exitCode).toBeNull();
    await terminate(writer);
    await store.close();
    const check = await checkStream(stored());
    expect(check.problems).toEqual([]);
    expect(check.ended).toBe(true);
    expect(warnings).toEqual([]);

    if (mode === 'blocks') return;
    // What is left of archived blocks in the live file is blanked, so that the files alone hold each line once, too.
    const plain = new LineCheck();
    const folder = join(home, 'logs/shop/web');
    const names = (await readdir(folder)).filter((name) => /^1\.stdout\.log(\.\d+)?$/.test(name)).sort();
    for (const name of [...names.slice(1), ...names.slice(0, 1)]) {
      for (const line of (await readFile(join(folder, name), 'latin1')).split('\n')) if (line !== '') plain.push(line);
    }
    expect(plain.problems).toEqual([]);
    expect(plain.last).toBe(check.last);
  });

  it('through SIGKILL of the daemon at every step of a rotation, 6 times each, under a writer at full speed', async () => {
    const store = new LogStore({ home, warn: (sentence) => warnings.push(sentence) });
    const { stdoutPath } = await store.prepare(web);
    await store.close();
    const writer = await startWriter(stdoutPath, 'lines');
    let kills = 0;
    for (let nth = 1; nth <= 6; nth += 1) {
      for (const step of rotationSteps) {
        const daemon = await runDaemon(writer, [step, String(1 + (nth % 2)), String(64 * 1024)]);
        await finished(daemon);
        expect(daemon.signalCode).toBe('SIGKILL');
        kills += 1;
      }
    }
    expect(kills).toBeGreaterThanOrEqual(50);
    expect(writer.exitCode).toBeNull();
    await terminate(writer);
    const check = await checkStream(stored());
    expect(check.problems).toEqual([]);
    expect(check.ended).toBe(true);
    expect(warnings).toEqual([]);
  }, 180_000);

  it('through SIGKILL at any other instant', async () => {
    const store = new LogStore({ home, warn: (sentence) => warnings.push(sentence) });
    const { stdoutPath } = await store.prepare(web);
    await store.close();
    const writer = await startWriter(stdoutPath, 'lines');
    for (let round = 0; round < 20; round += 1) {
      const daemon = await runDaemon(writer, ['none', '1', String(64 * 1024)]);
      const before = (await readdir(join(home, 'logs/shop/web'))).length;
      await until(async () => (await readdir(join(home, 'logs/shop/web'))).length > before);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      daemon.kill('SIGKILL');
      await finished(daemon);
    }
    await terminate(writer);
    const check = await checkStream(stored());
    expect(check.problems).toEqual([]);
    expect(check.ended).toBe(true);
  }, 120_000);

  it.each([
    ['has taken its permit', { PATH: process.env['PATH'] ?? '' }, fixture('collapses-late.sh')],
    ['comes for its permit only later', { PATH: `${fixture('late-mv')}:${process.env['PATH'] ?? ''}` }, 'fallocate'],
  ])('when the collapse that a killed daemon ordered runs late, and %s', async (_when, environment, fallocate) => {
    const store = new LogStore({ home, warn: (sentence) => warnings.push(sentence) });
    const { stdoutPath } = await store.prepare(web);
    await store.close();
    const writer = await startWriter(stdoutPath, 'lines');
    for (let round = 0; round < 3; round += 1) {
      await finished(await runDaemon(writer, ['collapsing', '1', String(64 * 1024), fallocate], { ...process.env, ...environment }));
      // The next one rotates at once, while the command that the last one started is still to come.
      await finished(await runDaemon(writer, ['settled', '1', String(64 * 1024)]));
    }
    await terminate(writer);
    const check = await checkStream(stored());
    expect(check.problems).toEqual([]);
    expect(check.ended).toBe(true);
  });
});
