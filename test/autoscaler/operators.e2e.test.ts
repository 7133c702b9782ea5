import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from '../../shared/protocol/results.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const home = (settings: string): string => `
version: "1"
plugins:
  autoscaler: ${settings}
services:
  still:
    runner: {type: script, script: {run: exec sleep 1000}}
    scale: {min: 1, max: 3}
    stop: {grace: 1s}
  free:
    runner: {type: script, script: {run: exec sleep 1000}}
`;

interface Explained { verdict: string; mode: string; would: string; because?: string; to?: number; paused?: { by: string; instances: number; until: string } }

describe('operators and the autoscaler', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  async function start(settings = '{check_interval: 500ms, window: 2s}'): Promise<void> {
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), home(settings));
    await hive.start();
    await ready();
  }
  const plugin = async (): Promise<Plugin | undefined> => (await hive.client.listPlugins()).plugins.find(({ id }) => id === 'autoscaler');
  const ready = (): Promise<Plugin> => until(async () => {
    const found = await plugin();
    return found?.state === 'ready' && found.reason.startsWith('It looked at') ? found : undefined;
  }, 'the autoscaler to have looked');
  const call = async (method: string, params?: unknown): Promise<Explained> => (await hive.client.callPlugin({ plugin: 'autoscaler', method, params })) as Explained;
  const running = (count: number) => hive.serviceWhen('default:still', ({ instances }) => instances.length === count && instances.every(({ state }) => state === 'running'));
  const paused = (): Promise<Explained> => until(async () => {
    const explained = await call('explain', 'still');
    return explained.mode === 'paused' ? explained : undefined;
  }, 'the service to be paused');

  it('whoever else scales a service pauses it for that service, across restarts, until resume', async () => {
    await start();
    await hive.client.scaleService({ fqn: 'default:still', instances: 5 });
    expect((await paused()).paused).toMatchObject({ by: 'the operator', instances: 5, until: 'hivectl plugin call autoscaler resume default:still' });
    await running(5);

    await hive.client.restartPlugin({ plugin: 'autoscaler' });
    expect(await ready()).toMatchObject({ reason: expect.stringMatching(/^It looked at 1 service at [\d:]{8} UTC \(1 paused\)\.$/) as unknown });
    await hive.restartAfterKill();
    await ready();
    // Five are more than max, but it is not let.
    const explained = await call('explain', { fqn: 'default:still' });
    expect(explained).toMatchObject({ mode: 'paused', would: 'scale down', to: 3, verdict: 'Paused: the operator chose 5 instances. It would go from 5 to 3 instances: 5 instances are outside of 1 to 3.' });
    const { services } = (await hive.client.callPlugin({ plugin: 'autoscaler', method: 'status' })) as { services: unknown[] };
    expect(services).toMatchObject([{ service: 'default:still', mode: 'paused', instances: 5, min: 1, max: 3 }]);
    await running(5);

    expect(await call('resume', 'still')).toMatchObject({ mode: 'active' });
    await running(3);
    const { events } = await hive.client.listEvents({ types: ['service.scaled'] });
    expect(events).toMatchObject([
      { from: 1, to: 5, cause: { by: 'the operator' } },
      { from: 5, to: 3, cause: { request: 'services.scale', by: 'plugin autoscaler' }, reason: '5 instances are outside of 1 to 3' },
    ]);
    expect((await call('explain', 'still')).mode).toBe('active');
  }, 60_000);

  it('an operator who asks for the number that there is means it as well, and pause is a word for that', async () => {
    await start();
    await hive.client.scaleService({ fqn: 'default:still', instances: 1 });
    expect((await paused()).paused).toMatchObject({ instances: 1 });
    expect((await call('resume', 'still')).mode).toBe('active');
    expect(await call('pause', 'default:still')).toMatchObject({ mode: 'paused', paused: { instances: 1 } });
  });

  it('what has no scale is none of its business', async () => {
    await start();
    await hive.client.scaleService({ fqn: 'default:free', instances: 2 });
    await expect(call('explain', 'free')).rejects.toMatchObject({ code: 'INVALID_PARAMS', message: 'default:free has no scale section, so the autoscaler leaves it alone.' });
    await expect(call('explain', 'nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(call('explain')).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    await expect(call('dance', 'free')).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    await hive.client.scaleService({ fqn: 'default:still', instances: 2 });
    expect((await paused()).paused?.instances).toBe(2);
    const remembered = join(hive.home, 'plugin-data/autoscaler/pauses.json');
    const pauses = await until(() => (existsSync(remembered) ? readFileSync(remembered, 'utf8') : undefined), 'the pause to be on disk');
    expect(JSON.parse(pauses)).toMatchObject({ paused: { 'default:still': { instances: 2 } } });
  });

  it('a dry run only says what it would do; changed settings reach it as it runs, and wrong ones are shown', async () => {
    await start('{check_interval: 500ms, window: 2s, dry_run: true}');
    const { pid } = await ready();
    await hive.client.scaleService({ fqn: 'default:still', instances: 5 });
    await paused();
    expect(await call('resume', 'still')).toMatchObject({ mode: 'dry-run', verdict: 'Dry run. It would go from 5 to 3 instances: 5 instances are outside of 1 to 3.' });
    const log = join(hive.home, 'logs/.plugins/autoscaler/stderr.log');
    await until(() => (readFileSync(log, 'utf8').includes('default:still: from 5 to 3 instances, since 5 instances are outside of 1 to 3 (dry-run, so it was not scaled)') ? true : undefined), 'the log to tell');
    expect((await hive.service('default:still')).scale?.instances).toBe(5);

    writeFileSync(join(hive.home, 'hive.yaml'), home('{check_interval: 600ms, window: 2s, dry_run: ["default:other"]}'));
    await running(3);
    expect(await plugin()).toMatchObject({ pid, state: 'ready', restarts: 0 });

    // A wrong one is refused with the whole file, at its line, and what runs goes on with the last good ones.
    writeFileSync(join(hive.home, 'hive.yaml'), home('{chek_interval: 5s, window: 90}'));
    const refused = await until(async () => (await hive.client.listSources()).sources.find(({ name, status }) => name === 'default' && status === 'error'), 'the wrong settings to be noticed');
    expect(refused.problems).toMatchObject([{ line: 4, column: 16, suggestion: 'check_interval' }, { line: 4, message: expect.stringContaining('has no unit') as unknown }]);
    expect((await hive.client.validateConfig({ path: join(hive.home, 'hive.yaml') })).problems).toHaveLength(2);
    expect(await plugin()).toMatchObject({ pid, state: 'ready', restarts: 0 });
  }, 60_000);

  it('runs only while a service has scale', async () => {
    await start();
    writeFileSync(join(hive.home, 'hive.yaml'), 'version: "1"\nservices: {}\n');
    await until(async () => ((await plugin())?.reason === 'It runs once a service has a scale section.' ? true : undefined), 'it to be stopped');
    expect(await plugin()).toMatchObject({ state: 'stopped', pid: null });
  });
});
