import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf } from '../../shared/process/identity.js';
import { dialRpc } from '../../shared/rpc/index.js';
import { dropFixture } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

let daemon: TinyDaemon;
afterEach(() => daemon.stop());

/** Asks the daemon for something small, again and again, until told to stop; answers the 99th percentile in milliseconds. */
async function measureCalls(home: string): Promise<() => Promise<number>> {
  const rpc = await dialRpc(join(home, 'hive.sock'), { name: 'the daemon' });
  const took: number[] = [];
  let isMeasuring = true;
  const measuring = (async () => {
    while (isMeasuring) {
      const before = performance.now();
      await rpc.call('daemon.ping', {});
      took.push(performance.now() - before);
      await delay(2);
    }
  })();
  return async () => {
    isMeasuring = false;
    await measuring;
    rpc.close();
    took.sort((one, other) => one - other);
    return took[Math.floor(took.length * 0.99)] ?? Infinity;
  };
}

describe('a plugin that misbehaves', () => {
  it.each<[string, string | RegExp]>([
    ['crashes-at-start', 'exited with code 7'],
    ['never-speaks', 'did not say within 0.5 s that it is ready'],
    ['hangs-in-init', 'did not say within 0.5 s that it is ready'],
    ['ignores-pings', 'answered no ping'],
    ['sends-garbage', 'broke the rules of its link'],
    ['sends-huge-frames', 'broke the rules of its link'],
    ['floods-without-reading', /broke the rules of its link|answered no ping/],
    ['leaks-memory', 'of memory, more than its limit of 100 MB'],
    ['holds-stdout-in-grandchild', 'exited with code 5'],
    ['forks-and-exits', 'exited with code 0'],
  ])('%s: is restarted five times, then quarantined, and disturbs nobody', async (name, reason) => {
    daemon = await TinyDaemon.start({ timings: { readyWithinMs: 500, pingIntervalMs: 100, secondChanceMs: 200 } });
    dropFixture(daemon.pluginsFolder, 'behaves');
    const neighbour = await daemon.state('behaves', 'ready');
    const stopMeasuring = await measureCalls(daemon.home);
    dropFixture(daemon.pluginsFolder, name, { memoryLimit: '100MB' });
    const ended = await until(`${name} is quarantined`, () => daemon.plugins.list().find(({ id, state }) => id === name && state === 'quarantined'),
      () => JSON.stringify(daemon.plugins.list()), 40_000);
    expect(ended.reason).toMatch(reason);
    expect(ended).toMatchObject({ restarts: 4, pid: null });
    expect(daemon.events('plugin.crashed')).toHaveLength(5);
    expect(daemon.events('plugin.quarantined')).toHaveLength(1);
    expect(await stopMeasuring()).toBeLessThan(50);
    expect(daemon.plugins.get('behaves')).toMatchObject({ state: 'ready', pid: neighbour.pid, restarts: 0 });
  });

  it('floods-requests: answers to others stay quick', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'floods-requests');
    await daemon.state('floods-requests', 'ready');
    const stopMeasuring = await measureCalls(daemon.home);
    await delay(2_000);
    expect(await stopMeasuring()).toBeLessThan(50);
  });

  it('crashes with the shipped timings: is back within a second', async () => {
    daemon = await TinyDaemon.start({ timings: { backoffFirstMs: 500 } });
    dropFixture(daemon.pluginsFolder, 'behaves');
    const { pid } = await daemon.state('behaves', 'ready');
    const before = performance.now();
    process.kill(pid as number, 'SIGKILL');
    await until('it is back', () => daemon.plugins.get('behaves').restarts === 1 && daemon.plugins.get('behaves').state === 'ready');
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(daemon.events('plugin.crashed')).toMatchObject([{ plugin: 'behaves', signal: 'SIGKILL', exitCode: null }]);
  });

  it('leaves grandchildren behind, in other sessions too: they end with it', async () => {
    daemon = await TinyDaemon.start({ timings: { backoffFirstMs: 600_000, backoffLongestMs: 600_000 } });
    dropFixture(daemon.pluginsFolder, 'holds-stdout-in-grandchild');
    await daemon.state('holds-stdout-in-grandchild', 'backoff');
    const grandchild = Number(readFileSync(join(daemon.dataOf('holds-stdout-in-grandchild'), 'grandchild'), 'utf8'));
    await until('the grandchild is gone', () => identityOf(grandchild) === null);
  });

  it('ignores-term: is killed, and a stop that was asked for is no crash', async () => {
    daemon = await TinyDaemon.start({ timings: { shutdownMs: 200, pingIntervalMs: 10_000 } });
    dropFixture(daemon.pluginsFolder, 'ignores-term');
    await daemon.state('ignores-term', 'ready');
    await daemon.plugins.disable('ignores-term');
    await until('it is gone', () => daemon.plugins.get('ignores-term').pid === null);
    expect(daemon.plugins.get('ignores-term').state).toBe('disabled');
    expect(daemon.events('plugin.crashed')).toEqual([]);
    expect(daemon.events('plugin.stopped')).toHaveLength(1);
  });

  it('is silent for a while: is called unresponsive, gets its second chance and takes it', async () => {
    daemon = await TinyDaemon.start({ timings: { pingIntervalMs: 100, secondChanceMs: 5_000 } });
    dropFixture(daemon.pluginsFolder, 'stops-now-and-then', {}, '1.5');
    await daemon.state('stops-now-and-then', 'unresponsive');
    await daemon.state('stops-now-and-then', 'ready');
    expect(daemon.plugins.get('stops-now-and-then').restarts).toBe(0);
    expect(daemon.events('plugin.unresponsive')).toHaveLength(1);
  });

  it('starts slowly, but says so: is given the time', async () => {
    daemon = await TinyDaemon.start({ timings: { readyWithinMs: 400 } });
    dropFixture(daemon.pluginsFolder, 'starts-slowly', {}, '12');
    await daemon.state('starts-slowly', 'ready');
    expect(daemon.plugins.get('starts-slowly').restarts).toBe(0);
  });

  it('speaks no common version: is refused once, with the reason, and not tried again', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'speaks-old-protocol');
    const refused = await daemon.state('speaks-old-protocol', 'failed');
    expect(refused.reason).toBe('It speaks the protocol versions 0, 99; this daemon speaks 1.');
    expect(refused).toMatchObject({ restarts: 0, pid: null });
  });

  it('cannot work as it is configured: says why, and is started again when that changes', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'refuses-its-settings');
    expect((await daemon.state('refuses-its-settings', 'failed')).reason).toBe('I only work in blue.');
    daemon.settings = { 'refuses-its-settings': { color: 'blue' } };
    await daemon.plugins.settingsChanged();
    await daemon.state('refuses-its-settings', 'ready');
  });

  it('has a command that cannot be executed: fails at once and says what is wrong', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'behaves', { command: ['no-such-program-anywhere'] });
    expect((await daemon.state('behaves', 'failed')).reason).toBe(
      'no-such-program-anywhere does not exist, or its interpreter or its working directory does not (ENOENT).',
    );
  });
});
