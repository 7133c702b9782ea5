import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProcess } from '../../shared/process/proc-table.js';
import { descendants } from '../../bench/tools/children.js';
import { waitFor } from '../health/wait-for.js';

const program = join(import.meta.dirname, '../../bench/main.js');

it('Ctrl-C ends everything that the bench started and prints what it had', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hive-bench-test-'));
  // Hive is measured here: it is sure to be installed, and its services are made to outlive their supervisor.
  const bench = spawn(process.execPath, [program, '--short', '--only', 'hive'], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'ignore'] });
  let printed = '';
  bench.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  try {
    const run = await waitFor('its folder', () => readdirSync(folder)[0]);
    // By the time of the second set, the first has given rows to print.
    await waitFor('services to run', () => existsSync(join(folder, run, 'hive', 'more', 'set', 'starts')) && descendants(bench.pid ?? 0).length > 10);
    const started = descendants(bench.pid ?? 0);
    bench.kill('SIGINT');
    const [code] = (await once(bench, 'close')) as [number];
    expect(code).toBe(130);
    expect(printed).toContain('| work ');
    expect(started.filter((pid) => readProcess(pid)?.state.match(/^[^ZX]$/))).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    bench.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
