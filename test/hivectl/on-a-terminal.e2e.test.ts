import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../shared/package-root.js';
import { Sandbox } from './sandbox.js';

const sandbox = new Sandbox();
const program = join(packageRoot(), 'dist/hivectl/main.js');
let shop = '';

beforeAll(() => {
  shop = sandbox.project('shop', 'version: "1"\nservices:\n  web: {runner: {type: script, script: {run: "exec sleep 1000"}}}\n  db: {runner: {type: script, script: {run: "exec sleep 1000"}}}\n');
});
afterAll(() => sandbox.end());

/** Runs hivectl on a pseudo-terminal of 60 by 20 and answers what it drew; types `keys.type` once it has drawn `keys.after`. */
async function onTerminal(line: string, environment: Record<string, string> = {}, keys: { after: string; type: string } | null = null): Promise<string> {
  const command = `stty cols 60 rows 20; exec '${process.execPath}' '${program}' ${line}`;
  const env = { ...process.env, HIVE_HOME: sandbox.home, TERM: 'xterm', NODE_OPTIONS: '', NO_COLOR: '', ...environment };
  delete (env as Record<string, string | undefined>)['FORCE_COLOR'];
  const running = promisify(execFile)('script', ['-qec', command, '/dev/null'], { cwd: shop, env });
  let drawn = '';
  running.child.stdout?.on('data', (text: string) => {
    const before = drawn;
    drawn += text;
    if (keys !== null && drawn.includes(keys.after) && !before.includes(keys.after)) running.child.stdin?.write(keys.type);
  });
  return (await running).stdout;
}

const escape = '\x1b[';

describe('on a terminal', () => {
  it('draws progress as a tree over itself, in colour', async () => {
    const drawn = await onTerminal('up');
    expect(drawn).toContain(`${escape}3A${escape}J`);
    const last = drawn.split(`${escape}J`).at(-1) ?? '';
    // eslint-disable-next-line no-control-regex
    expect(last.replace(/\x1b\[\d*m/g, '').split('\r\n').slice(0, 3).map((line) => line.replace(/ {2}.*/, ''))).toEqual(['shop', '├─ ✔ web', '└─ ✔ db']);
    expect(drawn).toContain(`${escape}32m✔`);
  });

  it('fits tables to its width and obeys NO_COLOR and --no-color', async () => {
    expect(await onTerminal('status')).toContain(escape);
    for (const plain of [await onTerminal('status', { NO_COLOR: '1' }), await onTerminal('status --no-color')]) {
      expect(plain).not.toContain(escape);
      expect(plain).toMatch(/^shop:web +running/m);
      for (const line of plain.split('\r\n')) expect(line.length).toBeLessThanOrEqual(60);
    }
  });

  it('shows a live table, and leaves the terminal as it was', async () => {
    const drawn = await onTerminal('top', {}, { after: 'shop:web', type: 'q' });
    expect(drawn.startsWith(`${escape}?1049h`)).toBe(true);
    expect(drawn).toContain('shop:web');
    expect(drawn.trimEnd().endsWith(`${escape}?1049l`)).toBe(true);
    const { code, err } = await sandbox.run(shop, 'top');
    expect(code).toBe(1);
    expect(err).toContain('needs a terminal');
  });

  it('never paints for a program', async () => {
    expect((await sandbox.run(shop, 'status')).out).not.toContain(escape);
    expect((await sandbox.run(shop, 'why web')).out).not.toContain(escape);
  });
});
