import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NewEvent } from '../../shared/protocol/events.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

interface Delivered { id: string; event: string; fqn: string; exit: { code: number; signal: null }; lastLines: string[]; key: string | undefined }

let daemon: TinyDaemon;
let server: Server | undefined;
afterEach(async () => {
  await daemon.stop();
  server?.close();
  server?.closeAllConnections();
  server = undefined;
});

const name = 'crash-notifier';
const crash = (lines: string[] = []): NewEvent => ({
  type: 'service.crashed', service: 'default:web', instance: 'default:web#1', exitCode: 9, signal: null, restartInMs: 100, lastLines: lines, uptimeMs: 1, reason: 'exited with code 9',
});

/** A webhook; `answer` says with which status, or null: never. */
async function webhook(answer: (delivered: Delivered) => number | null): Promise<{ url: string; got: Delivered[] }> {
  const got: Delivered[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += String(chunk); });
    request.on('end', () => {
      const delivered = { ...JSON.parse(body) as Delivered, key: request.headers['idempotency-key'] as string | undefined };
      const status = answer(delivered);
      if (status === null) return;
      response.writeHead(status).end();
      if (status === 200) got.push(delivered);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/pa55word`, got };
}

const start = (settings: Record<string, unknown>, home?: string): Promise<TinyDaemon> =>
  TinyDaemon.start({ ...(home === undefined ? {} : { home }), prepare: (made) => { made.settings = { [name]: settings }; } });
const output = (): string => readFileSync(join(daemon.home, 'logs', '.plugins', name, 'stderr.log'), 'utf8');
const pending = (): string[] => (existsSync(join(daemon.dataOf(name), 'pending')) ? readdirSync(join(daemon.dataOf(name), 'pending')) : []);

describe('crash-notifier', () => {
  it('runs only when it has somewhere to send to', async () => {
    daemon = await start({});
    const off = await daemon.state(name, 'stopped');
    expect(off).toMatchObject({ kind: 'core', pid: null, reason: 'It runs once hive.yaml sets plugins.crash-notifier.command or plugins.crash-notifier.webhook.' });
    daemon.settings = { [name]: { command: 'true' } };
    await daemon.plugins.settingsChanged();
    await daemon.state(name, 'ready');
  });

  it('runs a command with the crash as JSON on its standard input', async () => {
    const out = 'cat > "$HIVE_PLUGIN_DATA/got.new" && mv "$HIVE_PLUGIN_DATA/got.new" "$HIVE_PLUGIN_DATA/got"';
    daemon = await start({ command: out });
    await daemon.state(name, 'ready');
    const seq = await daemon.append(crash(['one', 'two "$(reboot)"']));
    const got = JSON.parse(await until('it arrives', () => existsSync(join(daemon.dataOf(name), 'got')) && readFileSync(join(daemon.dataOf(name), 'got'), 'utf8'))) as Delivered;
    expect(got).toMatchObject({
      id: `${daemon.store.epoch}-${seq}`, event: 'service.crashed', fqn: 'default:web', instance: 'default:web#1',
      exit: { code: 9, signal: null }, reason: 'exited with code 9', restartInMs: 100, lastLines: ['one', 'two "$(reboot)"'],
    });
    await until('nothing waits', () => pending().length === 0);
  });

  it('tries a failing webhook again, and names no more of it than its host', async () => {
    let refusals = 2;
    const hook = await webhook(() => (refusals-- > 0 ? 503 : 200));
    daemon = await start({ webhook: hook.url });
    await daemon.state(name, 'ready');
    await daemon.append(crash());
    await until('it arrives', () => hook.got.length === 1);
    expect(hook.got[0]?.key).toBe(hook.got[0]?.id);
    await until('it is logged', () => output().includes('at attempt 3'));
    expect(output()).toContain('The webhook at 127.0.0.1 answered 503.');
    expect(output()).not.toContain('pa55word');
  });

  it('does not let a webhook that never answers hold up the events', async () => {
    const hook = await webhook(() => null);
    daemon = await start({ webhook: hook.url });
    await daemon.state(name, 'ready');
    for (let count = 0; count < 100; count++) await daemon.append(crash());
    const last = daemon.store.seq;
    await until('all are acknowledged', () => (daemon.plugins.get(name).lastAck ?? 0) >= last);
    expect(pending().filter((file) => file.endsWith('.json'))).toHaveLength(100);
  });

  it('puts aside what could not be delivered often enough', async () => {
    daemon = await start({ command: ['false'], retries: 1 });
    await daemon.state(name, 'ready');
    await daemon.append(crash());
    await until('it is put aside', () => readdirSync(join(daemon.dataOf(name), 'undelivered')).length === 1);
    expect(pending()).toEqual([]);
    expect(output()).toContain('The command exited with code 1.');
  });

  it('says what is wrong with its settings, and is not restarted over and over', async () => {
    daemon = await start({ webhook: 'ftp://user:pa55word@example.org' });
    const failed = await daemon.state(name, 'failed');
    expect(failed.reason).toBe('plugins.crash-notifier.webhook in hive.yaml is not a URL that begins with http:// or https://. Correct it; the plugin starts again by itself.');
    expect(failed.restarts).toBe(0);
  });

  it('loses none, however often it is killed', async () => {
    let isUp = false;
    const hook = await webhook(() => (isUp ? 200 : 500));
    daemon = await start({ webhook: hook.url });
    let { pid } = await daemon.state(name, 'ready');
    const sent: number[] = [];
    for (let kill = 0; kill < 8; kill++) {
      for (let count = 0; count < 5; count++) sent.push(await daemon.append(crash()));
      isUp = kill % 2 === 1;
      process.kill(pid as number, 'SIGKILL');
      const old = pid;
      await daemon.plugins.restart(name);
      ({ pid } = await until('it is back', () => { const now = daemon.plugins.get(name); return now.state === 'ready' && now.pid !== old ? now : null; }));
    }
    isUp = true;
    const ids = sent.map((seq) => `${daemon.store.epoch}-${seq}`);
    await until('all have arrived', () => { const got = new Set(hook.got.map(({ id }) => id)); return ids.every((id) => got.has(id)); }, () => `${hook.got.length} of ${ids.length}`, 30_000);
    await until('nothing waits', () => pending().length === 0);
  });
});
