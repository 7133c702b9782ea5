import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { until } from '../support/until.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
beforeEach(() => { sandbox = new Sandbox(); });
afterEach(() => sandbox.end());

describe('hivectl plugin', () => {
  it('lists, shows, stops, starts, calls and reads the output of a plugin that was dropped in', async () => {
    const { root, home } = sandbox;
    const run = (line: string) => sandbox.run(root, line);
    const is = (state: Plugin['state'], without?: number | null): Promise<Plugin> => until(async () => {
      const { plugins } = await sandbox.json<{ plugins: Plugin[] }>(root, 'plugin list');
      return plugins.find((plugin) => plugin.id === 'health-log' && plugin.state === state && plugin.pid !== without);
    }, `health-log to be ${state}`, 40_000);
    expect((await run('daemon start')).code).toBe(0);
    mkdirSync(join(home, 'plugins'), { recursive: true, mode: 0o700 });
    const file = join(home, 'plugins', 'health-log.py');
    copyFileSync(join(packageRoot(), 'examples/plugins/python/health-log.py'), file);
    chmodSync(file, 0o700);
    writeFileSync(join(home, 'plugins', 'notes'), '', { mode: 0o600 });

    const { pid } = await is('ready');
    expect((await run('plugin list')).out).toMatch(new RegExp(`^PLUGIN +VERSION +KIND +STATE +PID +(CPU +)?MEMORY +RESTARTS +LAG +LAST ACK(.*\\n)*health-log +1\\.0\\.0 +external +ready +${String(pid)} +.*MB +0 +\\d+ +#\\d+`, 'm'));
    expect((await run('plugin info health-log')).out).toMatch(/^health-log\n {2}state: ready\n(.*\n)* {2}last event acknowledged: #\d+\n {2}grants: read, events:read\n/);
    expect(await run('plugin call health-log count')).toMatchObject({ code: 0, out: '{\n  "written": 0\n}\n' });
    expect(await run('plugin call health-log no-such')).toMatchObject({ code: 1, err: expect.not.stringContaining('version') });
    expect(await run('plugin reload')).toMatchObject({ code: 0, out: expect.stringContaining('Skipped notes: It has no run bit: chmod +x makes it a plugin.') });

    expect(await run('plugin restart health-log')).toMatchObject({ code: 0, out: expect.stringMatching(/^Plugin health-log is \w+\. [^.]+\.\n$/) });
    const again = await is('ready', pid);
    expect(again.restarts).toBe(1);
    expect((await run('plugin disable health-log')).out).toMatch(/^Plugin health-log is disabled\. /);
    expect((await is('disabled', again.pid)).reason).toBe('It was disabled by hand: hivectl plugin enable health-log.');
    expect((await run('plugin list')).out).toContain('It was disabled by hand');
    expect(await run('plugin call health-log count')).toMatchObject({ code: 1, err: expect.stringContaining('[PLUGIN_NOT_READY]') });
    expect((await run('plugin enable health-log')).code).toBe(0);
    await is('ready');
    expect((await run('plugin logs health-log')).code).toBe(0);
    expect(await run('plugin logs no-such')).toMatchObject({ code: 4, err: expect.stringContaining('[NOT_FOUND]') });
  });
});
