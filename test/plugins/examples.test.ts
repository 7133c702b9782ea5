import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { TestHive } from '../support/test-hive.js';
import { dropFile, dropFolder, examples } from './drop-in.js';
import { until } from './until.js';

let hive: TestHive;
afterEach(() => hive.end());

const folder = (): string => join(hive.home, 'plugins');
const dataFile = (plugin: string, file: string): string => join(hive.home, 'plugin-data', plugin, file);
const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

async function isIn(plugin: string, state: Plugin['state']): Promise<Plugin> {
  return until(`${plugin} is ${state}`, async () => (await hive.client.listPlugins()).plugins.find((found) => found.id === plugin && found.state === state));
}

async function crashOnce(): Promise<void> {
  await hive.client.restartService({ fqn: 'shop:crasher' });
  await hive.serviceWhen('shop:crasher', ({ state }) => state === 'failed');
}

describe('the example plugins, with a real daemon', () => {
  it('sh: a file that is dropped in starts, gets events, answers pings and ends when told to', async () => {
    hive = await TestHive.started({ HIVE_PLUGIN_TIMINGS: '{"pingIntervalMs":200,"secondChanceMs":400}' });
    await hive.addSource('shop', 'version: "1"\nservices:\n  crasher: {runner: {type: script, script: {run: "exit 3"}}}\n');
    dropFile(folder(), join(examples, 'sh', 'restart-notes'));
    await isIn('restart-notes', 'ready');
    await crashOnce();
    await until('the crash is noted', () => read(dataFile('restart-notes', 'notes.txt')).includes('shop:crasher'));
    const { journal } = await hive.client.status();
    await until('it is acknowledged', async () => ((await hive.client.getPlugin({ plugin: 'restart-notes' })).lastAck ?? 0) >= journal.seq);
    await hive.client.disablePlugin({ plugin: 'restart-notes' });
    await isIn('restart-notes', 'disabled');
    const stopped = await until('it has stopped', async () => (await hive.client.listEvents({ types: ['plugin.stopped'] })).events[0]);
    expect(stopped).toMatchObject({ plugin: 'restart-notes', cause: { request: 'plugins.disable', by: 'the operator' } });
    expect((await hive.client.listEvents({ types: ['plugin.crashed'] })).events).toEqual([]);
  });

  it('python: gets what happened while it was off, and answers calls', async () => {
    hive = await TestHive.started();
    const well = join(hive.home, 'well');
    writeFileSync(well, '');
    await hive.addSource('shop', `version: "1"\nservices:\n  web: {runner: {type: script, script: {run: "sleep 1000"}}, restart: never, healthcheck: {type: cmd, cmd: {command: "test -e ${well}"}, interval: 100ms, retries: 1}}\n`);
    await hive.client.startService({ fqn: 'shop:web' });
    await hive.serviceWhen('shop:web', ({ healthy }) => healthy === true);
    dropFile(folder(), join(examples, 'python', 'health-log.py'));
    await isIn('health-log', 'ready');
    await hive.client.disablePlugin({ plugin: 'health-log' });
    await until('it has stopped', async () => (await hive.client.getPlugin({ plugin: 'health-log' })).pid === null);
    rmSync(well);
    await until('it is noticed', async () => (await hive.client.listEvents({ types: ['service.healthChanged'] })).events.some((event) => event['healthy'] === false));
    await hive.client.enablePlugin({ plugin: 'health-log' });
    await until('the change is written', () => read(dataFile('health-log', 'health.csv')).includes('shop:web#1,False,cmd'));
    await isIn('health-log', 'ready');
    expect(await hive.client.callPlugin({ plugin: 'health-log', method: 'count' })).toMatchObject({ written: expect.any(Number) as unknown });
    await expect(hive.client.callPlugin({ plugin: 'health-log', method: 'no-such' })).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
  });

  it('typescript: runs from a folder with a manifest, keeps its counts and answers calls', async () => {
    hive = await TestHive.started();
    await hive.addSource('shop', 'version: "1"\nservices:\n  crasher: {runner: {type: script, script: {run: "exit 3"}}}\n');
    const compiled = join(packageRoot(), 'dist', 'examples', 'plugins', 'typescript', 'main.js');
    const manifest = JSON.parse(readFileSync(join(examples, 'typescript', 'hive-plugin.json'), 'utf8')) as { id: string; command: string[] };
    dropFolder(folder(), 'uptime-report', { ...manifest, command: ['node', compiled] });
    await isIn('uptime-report', 'ready');
    await crashOnce();
    await crashOnce();
    await until('both are counted', async () => (await hive.client.callPlugin({ plugin: 'uptime-report', method: 'report' }) as Record<string, number>)['shop:crasher'] === 2);
    await expect(hive.client.callPlugin({ plugin: 'uptime-report', method: 'nonsense' })).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
    expect(await hive.client.getPlugin({ plugin: 'uptime-report' })).toMatchObject({ version: '1.0.0', grants: ['read', 'events:read'] });
  });
});
