import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { HiveEvent } from '../../shared/protocol/events.js';
import type { LogLine, Service } from '../../shared/protocol/results.js';
import { Sandbox } from './sandbox.js';

/** One stack for all that only looks at it. */
const sandbox = new Sandbox();
let shop = '';
let blog = '';

beforeAll(async () => {
  shop = sandbox.project('shop', `version: "1"
services:
  web: {runner: {type: script, script: {run: "echo hello; echo WARN careful; exec sleep 1000"}}, depends_on: [db]}
  db: {runner: {type: script, script: {run: "echo db up; exec sleep 1000"}}}
  ticker: {runner: {type: script, script: {run: "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.1; done"}}}
`);
  blog = sandbox.project('blog', 'version: "1"\nservices:\n  web: {runner: {type: script, script: {run: "exec sleep 1000"}}}\n  mailer: {runner: {type: script, script: {run: "exec sleep 1000"}}}\n');
  for (const folder of [shop, blog]) expect((await sandbox.run(folder, 'up')).code).toBe(0);
});

afterAll(() => sandbox.end());

describe('hivectl status', () => {
  it("shows the folder's services, or all", async () => {
    const own = await sandbox.run(shop, 'status');
    expect(own.out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 2).join(' '))).toEqual(['SERVICE STATE', 'shop:web running', 'shop:db running', 'shop:ticker running', '']);
    const all = await sandbox.json<{ services: Service[] }>(shop, 'ps --all');
    expect(all.services).toHaveLength(5);
    const elsewhere = await sandbox.json<{ services: Service[] }>(sandbox.root, 'status');
    expect(elsewhere.services).toHaveLength(5);
  });

  it('finds names as the folder suggests, and lists candidates where they are ambiguous', async () => {
    const named = async (folder: string, line: string) => (await sandbox.json<{ services: Service[] }>(folder, line)).services.map(({ fqn }) => fqn);
    expect(await named(shop, 'status web')).toEqual(['shop:web']);
    expect(await named(blog, 'status web')).toEqual(['blog:web']);
    expect(await named(shop, 'status mailer shop:db')).toEqual(['shop:db', 'blog:mailer']);
    expect(await named(shop, 'status blog:*')).toEqual(['blog:web', 'blog:mailer']);
    expect(await sandbox.run(sandbox.root, 'status web')).toMatchObject({ code: 2, err: expect.stringContaining('web is in several sources: shop:web, blog:web.') });
    expect(await sandbox.run(shop, 'why tickr')).toMatchObject({ code: 4, err: expect.stringContaining('Did you mean ticker?') });
  });

  it('reports errors to programs as an object', async () => {
    const { code, out, err } = await sandbox.run(shop, 'why nobody --json');
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(JSON.parse(err)).toEqual({ error: { code: 'NOT_FOUND', message: 'There is no service nobody.', data: { next: 'hivectl status --all shows what there is.' } } });
  });
});

describe('hivectl logs', () => {
  it('prints the last lines, of one service as they are, of several with their names', async () => {
    expect((await sandbox.run(shop, 'logs web')).out).toBe('hello\nWARN careful\n');
    expect((await sandbox.run(shop, 'logs web --level warn')).out).toBe('WARN careful\n');
    expect((await sandbox.run(shop, 'logs web db')).out.split('\n').sort()).toEqual(['', 'shop:db | db up', 'shop:web | WARN careful', 'shop:web | hello']);
    const { lines } = await sandbox.json<{ lines: LogLine[] }>(shop, 'logs web --tail 1');
    expect(lines.map(({ message, fqn }) => [message, fqn])).toEqual([['WARN careful', 'shop:web']]);
  });

  it('follows, an object a line with --json, until Ctrl-C, which is no failure', async () => {
    const following = sandbox.start(shop, ['logs', '-f', 'ticker', '--json', '--tail', '3']);
    await following.says('tick 8');
    following.process.kill('SIGINT');
    const { code, out } = await following.finished;
    expect(code).toBe(0);
    const ticks = out.trimEnd().split('\n').map((line) => Number((JSON.parse(line) as LogLine).message.split(' ')[1]));
    expect(ticks).toEqual(ticks.map((_, index) => (ticks[0] ?? 0) + index));
    expect(sandbox.servicePids().has('shop:ticker')).toBe(true);
  });

  it('is silent when its reader has seen enough', async () => {
    const following = sandbox.start(shop, ['logs', '-f', 'ticker']);
    await following.says('tick');
    following.process.stdout?.destroy();
    expect(await following.finished).toMatchObject({ code: 0, err: '' });
  });
});

describe('hivectl events and why', () => {
  it('tells what happened, and goes on without a gap', async () => {
    const following = sandbox.start(shop, ['events', '-f', '--json', '--type', 'service.*', '-n', '5', 'db']);
    await following.says('service.started');
    await sandbox.run(shop, 'restart db');
    await following.says('"service.stopped"');
    following.process.kill('SIGINT');
    const { code, out } = await following.finished;
    expect(code).toBe(0);
    const followed = out.trimEnd().split('\n').map((line) => JSON.parse(line) as HiveEvent);
    const { events } = await sandbox.json<{ events: HiveEvent[] }>(shop, 'events db --type service.*');
    const from = followed[0]?.seq ?? 0;
    expect(followed).toEqual(events.filter(({ seq }) => seq >= from).slice(0, followed.length));
  });

  it('tells the chain of causes', async () => {
    const { out } = await sandbox.run(shop, 'why web');
    expect(out).toMatch(/^shop:web is running: /);
    expect(out).toMatch(/the operator asked for services\.start\n.*shop:db#1 is being started.*\n.*shop:db#1 runs as pid \d+\n.*shop:web#1 is being started.*\n.*shop:web#1 runs as pid \d+/);
  });
});

describe('hivectl wait, stats and the rest', () => {
  it('waits, and times out with its own code', async () => {
    expect((await sandbox.run(shop, 'wait web')).code).toBe(0);
    expect(await sandbox.run(shop, 'wait web --for completed --timeout 300ms')).toMatchObject({ code: 5, err: expect.stringContaining('[TIMEOUT]') });
    expect(await sandbox.run(shop, 'wait web --timeout 5')).toMatchObject({ code: 2, err: expect.stringContaining('has no unit') });
  });

  it('shows what instances use', async () => {
    const { out } = await sandbox.run(shop, 'stats web');
    expect(out).toMatch(/^INSTANCE.*\nshop:web#1 .*%.*(KB|MB)/);
    expect(out).toMatch(/^Machine: .* cores, .* memory in use\.$/m);
  });

  it('lists sources and plugins', async () => {
    expect((await sandbox.run(shop, 'source list')).out).toMatch(/^shop +yaml +loaded +3 /m);
    expect((await sandbox.run(shop, 'plugin list')).code).toBe(0);
    expect(await sandbox.run(shop, 'plugin info no-such-plugin')).toMatchObject({ code: 4, err: expect.stringContaining('[NOT_FOUND]') });
  });

  it('shows configurations', async () => {
    expect((await sandbox.run(shop, 'config show db')).out).toContain('run: echo db up; exec sleep 1000');
    expect((await sandbox.run(shop, 'config export')).out).toMatch(/^version: "1"\nservices:\n {2}web:\n/);
    expect(await sandbox.run(shop, 'config validate')).toMatchObject({ code: 0, out: expect.stringContaining('is in order.') });
  });

  it('completes names, as the scripts for shells ask it to', async () => {
    expect((await sandbox.run(shop, '__complete why ti')).out).toBe('ticker\n');
    expect((await sandbox.run(shop, '__complete stop shop:')).out).toBe('shop:db\nshop:ticker\nshop:web\n');
    expect((await sandbox.run(shop, '__complete source reload b')).out).toBe('blog\n');
    expect((await sandbox.run(shop, '__complete stat')).out).toBe('stats\nstatus\n');
  });
});

describe('a daemon that does not answer', () => {
  let silent: Server;
  const socket = join(sandbox.root, 'silent.sock');
  beforeAll(async () => {
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(socket, resolve));
  });
  afterAll(() => { silent.close(); });

  it('makes no command hang', async () => {
    const { code, err } = await sandbox.run(shop, `--socket ${socket} status`);
    expect({ code, err }).toEqual({ code: 5, err: expect.stringContaining('[TIMEOUT]') });
  });

  it('does not hold up the completion of names', async () => {
    expect(await sandbox.run(shop, `__complete --socket ${socket} why w`)).toEqual({ code: 0, out: '', err: '' });
  });
});
