import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewEvent } from '../../shared/protocol/events.js';
import { packageRoot } from '../../shared/package-root.js';
import { dropFile, dropFolder, examples } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

let daemon: TinyDaemon | undefined;
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
});

const crash = (service: string): NewEvent => ({
  type: 'service.crashed', service, instance: `${service}#1`, exitCode: 3, signal: null, restartInMs: 1000, lastLines: ['oh no'], uptimeMs: 5, reason: 'exited with code 3',
});

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

describe('the example plugins', () => {
  it('sh: a file that is dropped in starts, gets events, answers pings and ends when told to', async () => {
    daemon = await TinyDaemon.start();
    dropFile(daemon.pluginsFolder, join(examples, 'sh', 'restart-notes'));
    await daemon.state('restart-notes', 'ready');
    await daemon.append(crash('default:web'));
    await until('the crash is noted', () => read(join(daemon!.dataOf('restart-notes'), 'notes.txt')).includes('default:web'));
    const asked = daemon.store.seq;
    await until('it is acknowledged', () => (daemon!.plugins.get('restart-notes').lastAck ?? 0) >= asked);
    await daemon.plugins.disable('restart-notes');
    await daemon.state('restart-notes', 'disabled');
    await until('it has stopped', () => daemon!.events('plugin.stopped').length === 1);
    expect(daemon.events('plugin.crashed')).toEqual([]);
  });

  it('python: gets what happened while it was off, and answers calls', async () => {
    daemon = await TinyDaemon.start();
    dropFile(daemon.pluginsFolder, join(examples, 'python', 'health-log.py'));
    await daemon.state('health-log', 'ready');
    await daemon.plugins.disable('health-log');
    await until('it has stopped', () => daemon!.plugins.get('health-log').pid === null);
    await daemon.append({ type: 'service.healthChanged', service: 'default:web', instance: 'default:web#1', healthy: false, check: 'http', detail: '503' });
    await daemon.plugins.enable('health-log');
    await daemon.state('health-log', 'ready');
    await until('the change is written', () => read(join(daemon!.dataOf('health-log'), 'health.csv')).includes('default:web#1,False,http,503'));
    expect(await daemon.plugins.call('health-log', 'count', undefined)).toEqual({ written: 1 });
    await expect(daemon.plugins.call('health-log', 'no-such', undefined)).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
  });

  it('typescript: runs from a folder with a manifest, keeps its counts and answers calls', async () => {
    daemon = await TinyDaemon.start();
    const compiled = join(packageRoot(), 'dist', 'examples', 'plugins', 'typescript', 'main.js');
    const manifest = JSON.parse(readFileSync(join(examples, 'typescript', 'hive-plugin.json'), 'utf8')) as { id: string; command: string[] };
    dropFolder(daemon.pluginsFolder, 'uptime-report', { ...manifest, command: ['node', compiled] });
    await daemon.state('uptime-report', 'ready');
    await daemon.append(crash('default:web'));
    await daemon.append(crash('default:web'));
    await until('both are counted', async () => (await daemon!.plugins.call('uptime-report', 'report', undefined) as Record<string, number>)['default:web'] === 2);
    await expect(daemon.plugins.call('uptime-report', 'nonsense', undefined)).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
    expect(daemon.plugins.get('uptime-report').version).toBe('1.0.0');
  });
});
