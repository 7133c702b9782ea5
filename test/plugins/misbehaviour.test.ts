import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf } from '../../shared/process/identity.js';
import { dropFixture } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

let daemon: TinyDaemon;
afterEach(() => daemon.stop());

/** Those that end in quarantine are in test/promises/p11-plugins-disturb-nobody.test.ts, with a real daemon. */
describe('a plugin that misbehaves', () => {
  it('crashes with the shipped waits: is started again within a second', async () => {
    daemon = await TinyDaemon.start({ timings: { backoffFirstMs: 500, stableAfterMs: 0 } });
    dropFixture(daemon.pluginsFolder, 'behaves');
    let { pid } = await daemon.state('behaves', 'ready');
    const took: number[] = [];
    for (let kill = 1; kill <= 5; kill++) {
      const killedAt = Date.now();
      process.kill(pid as number, 'SIGKILL');
      ({ pid } = await until('it is back', () => { const now = daemon.plugins.get('behaves'); return now.restarts === kill && now.state === 'ready' && now; }));
      took.push(Date.parse(daemon.events('plugin.started').at(-1)?.time ?? '') - killedAt);
      expect(daemon.events('plugin.crashed')[kill - 1]).toMatchObject({ plugin: 'behaves', signal: 'SIGKILL', exitCode: null });
    }
    // Of five, so that a moment in which the machine is busy with others does not count.
    expect(took.sort((one, other) => one - other)[2]).toBeLessThan(1_000);
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
    await until('it is journalled', () => daemon.events('plugin.stopped').length === 1);
    expect(daemon.events('plugin.crashed')).toEqual([]);
  });

  it('is silent for a while: is called unresponsive, gets its second chance and takes it', async () => {
    daemon = await TinyDaemon.start({ timings: { pingIntervalMs: 200, secondChanceMs: 600_000 } });
    dropFixture(daemon.pluginsFolder, 'is-silent-until-told');
    const { pid } = await daemon.state('is-silent-until-told', 'unresponsive');
    writeFileSync(join(daemon.dataOf('is-silent-until-told'), 'speak'), '');
    expect(await daemon.state('is-silent-until-told', 'ready')).toMatchObject({ pid, restarts: 0 });
    expect(daemon.events('plugin.unresponsive')).toHaveLength(1);
  });

  it('starts slowly, but says so: is given the time', async () => {
    const readyWithinMs = 2_000;
    daemon = await TinyDaemon.start({ timings: { readyWithinMs } });
    dropFixture(daemon.pluginsFolder, 'starts-slowly', {}, '25');
    expect(await daemon.state('starts-slowly', 'ready')).toMatchObject({ restarts: 0 });
    const [started, ready] = [daemon.events('plugin.started'), daemon.events('plugin.ready')].map(([first]) => Date.parse(first?.time ?? ''));
    expect((ready ?? NaN) - (started ?? NaN)).toBeGreaterThan(readyWithinMs);
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
