import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { by, refusal, script, SourcesHome, until, yaml } from './sources-home.js';

const program = fileURLToPath(new URL('programs/dies-between-commits.js', import.meta.url));

/** Runs the program until it has died; answers what it had acknowledged. */
async function runUntilDead(home: SourcesHome, commits: number): Promise<string[]> {
  const child = spawn(process.execPath, [program, home.path, join(home.folder, 'jobs.db'), String(commits)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text; });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return output.split('\n').filter((line) => line !== '');
}

describe('a change that was acknowledged', () => {
  it.each([1, 2, 5])('outlives SIGKILL between the source\'s file and state.db (after %i commits), and is told in the journal once', async (commits) => {
    const home = await SourcesHome.make();
    try {
      await home.close();
      const acknowledged = await runUntilDead(home, commits);
      expect(acknowledged).toHaveLength(commits - 1);
      await home.restart();
      // The one that was cut off is in the file and therefore live, acknowledged or not.
      const names = [...acknowledged, `job${acknowledged.length}`];
      expect(home.sources.allSpecs().map(({ name }) => name)).toEqual(names);
      const created = () => home.events().filter(({ type }) => type === 'service.created').map(({ service }) => service);
      expect(created()).toEqual(names.map((name) => `jobs:${name}`));
      await home.restart();
      expect(created()).toHaveLength(names.length);
      expect(home.sources.get('jobs').revision).toBe(names.length);
    } finally {
      await home.destroy();
    }
  });

  it('outlives SIGKILL at any moment', async () => {
    for (const delayMs of [150, 200, 260, 330]) {
      const home = await SourcesHome.make();
      try {
        await home.close();
        const child = spawn(process.execPath, [program, home.path, join(home.folder, 'jobs.db'), '1000000'], { stdio: ['ignore', 'pipe', 'inherit'] });
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text; });
        const ended = once(child, 'close');
        await until(() => output !== '', 'the first is acknowledged');
        const deadline = performance.now() + delayMs - 150;
        await until(() => performance.now() >= deadline, 'the moment comes');
        child.kill('SIGKILL');
        await ended;
        const acknowledged = output.split('\n').slice(0, -1);
        await home.restart();
        const live = new Set(home.sources.allSpecs().map(({ name }) => name));
        expect(acknowledged.filter((name) => !live.has(name))).toEqual([]);
        expect(home.events().filter(({ type }) => type === 'service.created')).toHaveLength(live.size);
      } finally {
        await home.destroy();
      }
    }
  });
});

const canMount = process.getuid?.() === 0 && process.platform === 'linux';
if (!canMount) process.stdout.write('skipped: a full disk (mounting a small tmpfs needs root)\n');

(canMount ? describe : describe.skip)('a full disk', () => {
  async function onSmallDisk(work: (home: SourcesHome, fill: () => Promise<void>, free: () => Promise<void>) => Promise<void>): Promise<void> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'hive-small-disk-')));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', folder]);
    let home: SourcesHome | null = null;
    try {
      home = await SourcesHome.make({ folder });
      const filler = join(folder, 'filler');
      await work(home, async () => fillUp(filler), () => rm(filler));
    } finally {
      await home?.close();
      execFileSync('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    }
  }

  it('refuses a change and leaves what was, in memory and on disk; then works again', async () => {
    await onSmallDisk(async (home, fill, free) => {
      await home.sources.load();
      await home.sources.add({ path: join(home.folder, 'jobs.db') }, by);
      await home.sources.createService({ source: 'jobs', name: 'web', config: script('sleep 1') }, by);
      const project = await realpath(await mkdtemp(join(tmpdir(), 'hive-elsewhere-')));
      try {
        await mkdir(join(project, '.adi'));
        await writeFile(join(project, '.adi', 'hive.yaml'), yaml({ a: 'sleep 1' }));
        await home.sources.add({ path: project, name: 'elsewhere' }, by);
        await fill();
        const seq = home.store.seq;
        const created = await refusalWithin(200, (index) => home.sources.createService({ source: 'jobs', name: `more${index}`, config: script('x'.repeat(4000)) }, by));
        expect(created.code).toBe('STORAGE_FAILED');
        await writeFile(join(project, '.adi', 'hive.yaml'), yaml({ a: `sleep ${'9'.repeat(100_000)}` }));
        expect(await refusal(home.sources.reload('elsewhere', by))).toMatchObject({ code: 'STORAGE_FAILED' });
        expect(home.supervisor.runs('elsewhere')).toEqual(['a=sleep 1']);
        const live = home.sources.allSpecs().map(({ name }) => name);
        await free();
        await home.sources.createService({ source: 'jobs', name: 'after', config: script('sleep 1') }, by);
        await home.restart();
        const again = home.sources.allSpecs().map(({ name }) => name);
        expect(again.sort()).toEqual([...live, 'after'].sort());
        const created2 = home.events(seq).filter(({ type }) => type === 'service.created').map(({ service }) => service);
        expect(created2).toContain('jobs:after');
        expect(home.sources.get('jobs').status).toBe('loaded');
      } finally {
        await rm(project, { recursive: true, force: true });
      }
    });
  });
});

function fillUp(file: string): void {
  const handle = openSync(file, 'w');
  try {
    for (;;) writeSync(handle, Buffer.alloc(4096, 'x'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(handle);
  }
}

/** Repeats the work until it is refused: a full disk has a little room left in files that exist. */
async function refusalWithin(times: number, work: (index: number) => Promise<unknown>): ReturnType<typeof refusal> {
  for (let index = 0; index < times; index += 1) {
    const outcome = await refusal(work(index)).catch(() => null);
    if (outcome !== null) return outcome;
  }
  throw new Error(`not refused within ${times} times`);
}
