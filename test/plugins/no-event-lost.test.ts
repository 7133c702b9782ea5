import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { dropFolder } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

let daemon: TinyDaemon;
afterEach(() => daemon.stop());

const lines = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter((line) => line !== '') : []);

/** Promise 10, the plugin's side. test/promises/p10-events.test.ts has the daemon's. */
describe('a plugin that is killed between effect and acknowledgement', () => {
  it('gets every event, in order, however often that happens: 200 times here', async () => {
    daemon = await TinyDaemon.start({ timings: { backoffFirstMs: 1, quarantineAfter: 1_000_000, backoffLongestMs: 1 } });
    const name = 'dies-before-acknowledging';
    const data = daemon.dataOf(name);
    dropFolder(daemon.pluginsFolder, name, { command: ['node', join(packageRoot(), 'test/fixtures/plugins', `${name}.mjs`)] });
    await daemon.state(name, 'ready');
    for (let kill = 0; kill < 200; kill++) {
      await daemon.append({ type: 'service.scaled', service: 'default:web', from: 0, to: kill });
      const waiting = await until(`kill ${kill}`, () => lines(join(data, 'waiting'))[kill]);
      process.kill(Number(waiting), 'SIGKILL');
    }
    writeFileSync(join(data, 'live'), '');
    const last = await daemon.append({ type: 'service.scaled', service: 'default:web', from: 0, to: 200 });
    await until('everything is acknowledged', () => (daemon.plugins.get(name).lastAck ?? 0) >= last);
    const journal = daemon.events('service.scaled').map(({ seq }) => seq);
    const seen = lines(join(data, 'seen')).map((line) => Number(line.split(' ')[0]));
    expect([...new Set(seen)]).toEqual(journal);
    // In order: an event never comes before one that was not there yet.
    let first = 0;
    for (const seq of seen) { expect(seq).toBeLessThanOrEqual(journal[first] ?? Infinity); if (seq === journal[first]) first++; }
    expect(daemon.plugins.get(name).restarts).toBe(200);
  }, 300_000);
});
