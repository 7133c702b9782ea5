import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { defaultTimings } from '../../shared/plugin/plugin-timings.js';
import { readManifest } from '../../plugin-host/manifest.js';
import { examples } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

const docs = join(packageRoot(), 'docs');
const read = (page: string): string => readFileSync(join(docs, page), 'utf8');
const blocks = (page: string, language: string): string[] => [...read(page).matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code = '']) => code);

describe('docs/plugin-protocol.md', () => {
  let daemon: TinyDaemon;
  beforeAll(async () => { daemon = await TinyDaemon.start(); });
  afterAll(() => daemon.stop());

  it('prints a plugin in Python that runs as printed', async () => {
    const [code = ''] = blocks('plugin-protocol.md', 'python');
    writeFileSync(join(daemon.pluginsFolder, 'as-printed'), code, { mode: 0o700 });
    await daemon.state('as-printed', 'ready');
    await daemon.append({ type: 'service.healthChanged', service: 'default:web', instance: 'default:web#1', healthy: true, check: 'tcp', detail: 'open' });
    const csv = join(daemon.dataOf('as-printed'), 'health.csv');
    await until('it has written', () => existsSync(csv) && readFileSync(csv, 'utf8').includes('default:web#1,True,tcp,open'));
    expect(code).toBe(readFileSync(join(examples, 'python', 'health-log.py'), 'utf8'));
  });

  it('names the times that hold', () => {
    const text = read('plugin-protocol.md');
    expect(defaultTimings).toMatchObject({ readyWithinMs: 60_000, pingIntervalMs: 10_000, pingMisses: 3, secondChanceMs: 30_000, shutdownMs: 5_000, exitMs: 1_000, terminateMs: 5_000, backoffFirstMs: 500, backoffLongestMs: 60_000, stableAfterMs: 60_000, quarantineAfter: 5, settleMs: 250 });
    for (const said of ['| 60 s, beginning anew', '| 10 s, and as long', 'after three misses', '| 30 s in which', '| `shutdown` until its answer | 5 s |', '| 1 s, then SIGTERM |', '| SIGTERM until SIGKILL to its group | 5 s |', 'after 0.5 s', 'up to a minute', 'After five runs', 'a quarter of a second']) expect(text).toContain(said);
  });
});

describe('docs/writing-plugins.md', () => {
  it('shows a manifest that is one, and names every field', () => {
    const [json = ''] = blocks('writing-plugins.md', 'json');
    const manifest = readManifest(JSON.parse(json));
    for (const field of Object.keys(manifest)) expect(read('writing-plugins.md')).toContain(`| \`${field}\` |`);
  });

  it.each(['plugin-protocol.md', 'writing-plugins.md'])('%s links to what is there', (page) => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      // Pages of the reference are written from tables elsewhere.
      if (['protocol.md', 'events.md'].includes(target)) continue;
      expect([target, existsSync(resolve(dirname(join(docs, page)), target))]).toEqual([target, true]);
    }
  });
});
