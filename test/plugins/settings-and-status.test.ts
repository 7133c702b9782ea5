import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { dropFolder } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

const plugin = 'tells-how-it-is';
let daemon: TinyDaemon;

beforeEach(async () => {
  daemon = await TinyDaemon.start();
  dropFolder(daemon.pluginsFolder, plugin, {
    command: ['node', join(packageRoot(), 'test/fixtures/plugins', `${plugin}.mjs`)],
    activation: { setting: 'url' }, settingsFromEnvironment: { url: ['TEST_URL', 'TEST_OLD_URL'], secret: 'HIVE_TEST_SECRET' },
  });
});
afterEach(() => daemon.stop());

const ask = (method: string, params?: object) => daemon.plugins.call(plugin, method, params) as Promise<{ config: object; environment: string[] }>;

describe('a plugin whose settings may come from the environment', () => {
  it('runs once a variable sets what it needs, and gets the values over its link alone', async () => {
    expect(await daemon.state(plugin, 'stopped')).toMatchObject({ reason: `It runs once hive.yaml sets plugins.${plugin}.url, or the daemon's environment TEST_URL.` });
    Object.assign(daemon.environment, { TEST_URL: '', TEST_OLD_URL: 'ws://old', HIVE_TEST_SECRET: 'planted' });
    await daemon.plugins.settingsChanged();
    await daemon.state(plugin, 'ready');
    const { config, environment } = await ask('show');
    expect(config).toEqual({ url: 'ws://old', secret: 'planted' });
    expect(environment.filter((name) => name.includes('TEST'))).toEqual([]);
  });

  it('takes from hive.yaml what stands there, live', async () => {
    Object.assign(daemon.environment, { TEST_URL: 'ws://from-environment' });
    await daemon.plugins.settingsChanged();
    const { pid } = await daemon.state(plugin, 'ready');
    daemon.settings = { [plugin]: { url: 'ws://from-file' } };
    await daemon.plugins.settingsChanged();
    expect((await ask('show')).config).toEqual({ url: 'ws://from-file' });
    expect(daemon.plugins.get(plugin)).toMatchObject({ state: 'ready', pid });
  });
});

describe('a plugin that says how it is', () => {
  it('is shown with its sentence as long as it is ready', async () => {
    daemon.settings = { [plugin]: { url: 'x' } };
    await daemon.plugins.settingsChanged();
    expect((await daemon.state(plugin, 'ready')).reason).toBe('It runs.');
    const says = async (sentence: string) => {
      await ask('say', { sentence });
      return daemon.plugins.get(plugin).reason;
    };
    expect(await says('Connected.')).toBe('Connected.');
    expect(await says('Not connected; tried again in 3 s.')).toBe('Not connected; tried again in 3 s.');
    expect(await says('')).toBe('It runs.');
    await says('Connected.');
    await daemon.plugins.restart(plugin);
    await until('the new run says nothing yet', () => daemon.plugins.get(plugin).state === 'ready' && daemon.plugins.get(plugin).reason === 'It runs.');
  });
});
