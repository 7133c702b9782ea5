import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonClient } from '../../shared/client/index.js';
import { packageRoot } from '../../shared/package-root.js';
import { CorePluginRegistry, definePlugin, type HiveEvent, type PluginContext } from '../../shared/plugin/index.js';
import { EventFeed } from '../../shared/plugin/event-feed.js';
import { dropFolder } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

const event = (seq: number): HiveEvent => ({ epoch: 'e', seq, time: '2024-01-01T00:00:00.000Z', type: 'service.scaled', service: 'a:b', from: 0, to: seq });
const batch = (...seqs: number[]) => ({ epoch: 'e', events: seqs.map(event), through: (seqs.at(-1) ?? 0) + 5 });
const nobody = {} as DaemonClient;
const context = {} as PluginContext;

describe('CorePluginRegistry', () => {
  it('hands events to all, and keeps what one throws from the others', async () => {
    const seen: string[] = [];
    const logged: string[] = [];
    const registry = new CorePluginRegistry({ log: (level, message) => logged.push(`${level} ${message.split('\n')[0] ?? ''}`), retryPauses: [1, 1] });
    registry.register(definePlugin({ name: 'bad', version: '1', onEvent() { throw new Error('ouch'); }, shutdown() { throw new Error('still ouch'); } }));
    registry.register(definePlugin({ name: 'worse', version: '1', init() { throw new Error('not today'); }, onEvent() { seen.push('worse'); } }));
    registry.register(definePlugin({ name: 'good', version: '1', onEvent({ seq }) { seen.push(`good ${seq}`); }, shutdown() { seen.push('good shutdown'); } }));
    await registry.initAll(nobody, context);
    await registry.broadcastEvent(event(7));
    await registry.shutdownAll();
    expect(seen).toEqual(['good 7', 'good shutdown']);
    expect(logged).toEqual([
      'error worse could not be started: Error: not today',
      'warn bad failed on event 7 (service.scaled): Error: ouch',
      'warn bad failed on event 7 (service.scaled): Error: ouch',
      'error bad failed on event 7 (service.scaled): Error: ouch',
      'error bad: shutdown failed: Error: still ouch',
    ]);
  });

  it('fails when the only plugin does, and refuses a name that is taken', async () => {
    const registry = new CorePluginRegistry({ log: () => {} });
    const plugin = definePlugin({ name: 'one', version: '1', init() { throw new Error('not today'); } });
    registry.register(plugin);
    expect(() => registry.register(plugin)).toThrow('A plugin named one is registered already.');
    await expect(registry.initAll(nobody, context)).rejects.toThrow('not today');
  });

  it('two plugins share a process: one that throws does not stop the other', async () => {
    const daemon = await TinyDaemon.start();
    try {
      dropFolder(daemon.pluginsFolder, 'two-in-one', { command: ['node', join(packageRoot(), 'test/fixtures/plugins/two-in-one.mjs')] });
      await daemon.state('two-in-one', 'ready');
      await daemon.append({ type: 'service.scaled', service: 'a:b', from: 0, to: 1 });
      await until('it is counted', async () => (await daemon.plugins.call('two-in-one', 'seen', undefined)) === 1);
      expect(readFileSync(join(daemon.home, 'logs/.plugins/two-in-one/stderr.log'), 'utf8')).toContain('throws failed on event');
    } finally {
      await daemon.stop();
    }
  });
});

describe('the event feed', () => {
  let feed: EventFeed | undefined;
  afterEach(() => feed?.drain(0));

  it('handles one event at a time, in order, and acknowledges what is done', async () => {
    const log: string[] = [];
    feed = new EventFeed({
      handle: async ({ seq }) => { log.push(`begin ${seq}`); await new Promise((resolve) => setTimeout(resolve, 3 - seq)); log.push(`end ${seq}`); },
      acknowledge: ({ through }) => log.push(`ack ${through}`),
    });
    feed.take(batch(1, 2));
    expect(log).toEqual([]);
    feed.open();
    feed.take(batch(3));
    await until('all is done', () => log.includes('ack 8'));
    expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'ack 7', 'begin 3', 'end 3', 'ack 8']);
  });

  it('acknowledges within a long batch, and nothing after an event that failed', async () => {
    const acknowledged: number[] = [];
    feed = new EventFeed({ handle: async ({ seq }) => { if (seq === 100) throw new Error('killed'); }, acknowledge: ({ through }) => acknowledged.push(through) });
    feed.open();
    feed.take(batch(...Array.from({ length: 200 }, (_, index) => index + 1)));
    await feed.drain(1_000);
    expect(acknowledged).toEqual([64]);
  });

  it('ends with what had arrived, however much still comes', async () => {
    const handled: number[] = [];
    const endless = feed = new EventFeed({ handle: async ({ seq }) => { handled.push(seq); endless.take(batch(seq + 1)); await new Promise(setImmediate); }, acknowledge: () => {} });
    feed.open();
    feed.take(batch(1));
    const before = handled.length;
    await feed.drain(60_000);
    expect(handled.length).toBeLessThanOrEqual(before + 1);
  });
});
