import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { until } from '../support/until.js';

const program = (name: string): string => join(packageRoot(), 'dist/examples/signaling', name);

function run(name: string, ...words: string[]): { child: ReturnType<typeof spawn>; said: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [program(name), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  return { child, said: () => said, ended: once(child, 'close').then(([code]) => code as number | null) };
}

it('the example shows a cocoon that answers, makes more of them when asked, and leaves nothing behind', async () => {
  const { child, said, ended } = run('try-it.js');
  const [, home = '', url = ''] = await until(() => /(?=[^]*HIVE_HOME=(\S+))(?=[^]*ask\.js (http:\S+) spawn)[^]*Ctrl-C stops/.exec(said()) ?? undefined, 'the example to be up', 40_000);
  expect(said()).toMatch(/Hive answered: \{"type":"hive_spawn_cocoon_result","request_id":"first","success":true,"container_id":"hello"\}/);
  expect(said()).toContain('/cocoon/hello/ says: I am hello, a cocoon of the kind default. You asked for /.');
  const ask = async (...words: string[]): Promise<[number | null, string]> => {
    const asking = run('ask.js', url, ...words);
    return [await asking.ended, asking.said()];
  };
  expect(await ask('spawn', 'second')).toEqual([0, expect.stringContaining('"container_id": "second"')]);
  expect([...servicesInProc(home).pids.keys()].sort()).toEqual(['cocoons:hello', 'cocoons:second']);
  expect(await ask('spawn', '--kind', 'other')).toEqual([1, expect.stringContaining('no kind')]);
  expect(await ask('terminate', 'hello')).toEqual([0, expect.stringContaining('"success": true')]);
  expect((await ask('terminate'))[0]).toBe(1);
  expect((await ask())[0]).toBe(2);
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  expect(said()).toContain('nothing is left behind');
  expect(existsSync(home)).toBe(false);
  expect(servicesInProc(home).pids.size).toBe(0);
}, 60_000);
