import { afterEach, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { markedInProc } from '../support/marked-in-proc.js';
import { until } from '../support/until.js';

const program = join(packageRoot(), 'dist/examples/deploy-under-load.js');
// Short, because sockets are in there.
const folder = mkdtempSync(join(tmpdir(), 'hdl-'));

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('examples/deploys is deployed under load without one failed request, and leaves nothing behind', async () => {
  const example = spawn(process.execPath, [program, '--deploys', '4', '--kill'], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  example.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  // Ctrl-C after a deploy under which the daemon was killed: it finishes what it is about, and cleans up.
  await until(() => (printed.includes('deploy 3 of 4') ? true : undefined), 'the third deploy', 40_000);
  example.kill('SIGINT');
  const [code] = (await once(example, 'close')) as [number | null];
  expect(printed).toContain('deploy 3 of 4: green serves');
  expect(printed).toMatch(/\n\d{3,} requests, none failed\.\n$/);
  expect(code).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
  await until(() => (markedInProc(folder).length === 0 ? true : undefined), `everything to end, not ${markedInProc(folder).join('; ')}`);
}, 90_000);
