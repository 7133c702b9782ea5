import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HiveError } from '../../shared/errors/hive-error.js';
import { RawJson } from '../../shared/rpc/index.js';
import { Bench, frameOf, until } from './pair.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.stop());

const kilobyte = new RawJson(JSON.stringify({ text: 'x'.repeat(1000) }));

describe('a peer that does not read', () => {
  it('is cut off when too much waits for it, with the reason', async () => {
    await bench.serve({ limits: { maxUnsentBytes: 2_000_000 } });
    const raw = await bench.dialRaw();
    raw.socket.pause();
    const server = await bench.lastServed();
    let most = 0;
    for (let sent = 0; sent < 10_000 && !server.isClosed; sent++) {
      server.notify('event', kilobyte);
      most = Math.max(most, server.stats.unsentBytes);
      if (sent % 100 === 0) await new Promise(setImmediate);
    }
    const reason = await server.closed;
    expect(reason.kind).toBe('unread-output');
    expect(reason.message).toBe('More than 2000000 bytes wait for a peer that does not read.');
    expect(most).toBeLessThanOrEqual(2_000_000);
    raw.socket.resume();
    await until(() => raw.ended);
  });

  it('is cut off as well when it only asks and asks', async () => {
    await bench.serve({ onRequest: () => kilobyte, limits: { maxUnsentBytes: 2_000_000 } });
    const raw = await bench.dialRaw();
    raw.socket.pause();
    for (let id = 0; id < 10_000; id++) raw.send(`{"jsonrpc":"2.0","id":${id},"method":"m"}`);
    const server = await bench.lastServed();
    expect((await server.closed).kind).toBe('unread-output');
  });

  it('stops a pump long before, and lets it go on byte for byte when it reads again', async () => {
    await bench.serve({ limits: { pauseAtUnsentBytes: 100_000 } });
    const raw = await bench.dialRaw();
    raw.socket.pause();
    const server = await bench.lastServed();
    let sent = 0;
    let waits = 0;
    const pump = (async () => {
      for (; sent < 2000; sent++) {
        if (!server.writable) {
          waits++;
          await server.whenWritable();
        }
        server.notify('event', RawJson.object({ sent, text: new RawJson(`"${'ü'.repeat(500)}"`) }));
      }
    })();
    // The system takes its fill first; then nothing may move any more.
    let before = -1;
    for (; before !== sent; await new Promise((resolve) => setTimeout(resolve, 100))) before = sent;
    expect(waits).toBeGreaterThan(0);
    expect(sent).toBeLessThan(2000);
    expect(server.stats.unsentBytes).toBeGreaterThanOrEqual(100_000);
    expect(server.stats.unsentBytes).toBeLessThan(102_000);
    raw.socket.resume();
    await pump;
    await until(() => server.stats.unsentBytes === 0);
    await until(() => raw.messages.length === 2000);
    expect(raw.messages.map((message) => (message['params'] as { sent: number }).sent)).toEqual(Array.from({ length: 2000 }, (_, n) => n));
    expect(server.stats.bytesOut).toBe(Buffer.byteLength(raw.received));
  });

  it('releases a waiting pump when the connection ends', async () => {
    await bench.serve({ limits: { pauseAtUnsentBytes: 1000 } });
    const raw = await bench.dialRaw();
    raw.socket.pause();
    const server = await bench.lastServed();
    for (let sent = 0; sent < 2000; sent++) server.notify('event', kilobyte);
    const released = server.whenWritable();
    raw.socket.destroy();
    await released;
    expect(server.isClosed).toBe(true);
  });
});

describe('a peer that floods', () => {
  it('gets TOO_BUSY beyond the requests that may run at once, and answers when they end', async () => {
    const waiting: (() => void)[] = [];
    await bench.serve({
      onRequest: () => new Promise((resolve) => waiting.push(() => resolve('done'))),
      limits: { maxRunningRequests: 10 },
    });
    const client = await bench.dial();
    const calls = Array.from({ length: 15 }, () => client.call('slow').catch((thrown: unknown) => (thrown as HiveError).code));
    await until(() => client.stats.pendingCalls === 10);
    expect((await bench.lastServed()).stats.runningRequests).toBe(10);
    for (const resolve of waiting) resolve();
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => answer === 'done')).toHaveLength(10);
    expect(answers.filter((answer) => answer === 'TOO_BUSY')).toHaveLength(5);
    const again = client.call('slow');
    await until(() => waiting.length === 11);
    waiting[10]?.();
    expect(await again).toBe('done');
  });

  it('with notifications for a slow handler is cut off', async () => {
    await bench.serve({ onNotification: () => new Promise(() => {}), limits: { maxWaitingNotificationBytes: 500_000 } });
    const client = await bench.dial();
    for (let n = 0; n < 1000; n++) client.notify('event', kilobyte);
    expect((await client.closed).kind).toBe('peer-ended');
    expect((await bench.lastServed()).isClosed).toBe(true);
    expect((await (await bench.lastServed()).closed).kind).toBe('notification-flood');
  });

  it('leaves the others their turn', async () => {
    await bench.serve({ onRequest: () => 'pong' });
    const raw = await bench.dialRaw();
    const client = await bench.dial();
    const flood = frameOf('{"jsonrpc":"2.0","id":1,"method":"m"}').repeat(20_000);
    raw.write(flood);
    await until(() => (bench.served[0]?.stats.bytesIn ?? 0) > 0);
    expect(await client.call('ping')).toBe('pong');
    expect(bench.served[0]?.stats.bytesIn).toBeLessThan(flood.length);
  });
});

describe('a peer process that dies', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const start = async (program: string): Promise<ChildProcess> => {
    const child = fork(join(import.meta.dirname, program), [bench.path]);
    children.push(child);
    await once(child, 'message');
    return child;
  };

  // The server is a process of its own, because an unhandled rejection or an uncaught exception ends a plain Node process.
  it('in the middle of everything ends its connection and nothing else', async () => {
    const server = await start('rpc-server-process.js');
    const witness = await bench.dial();
    for (let round = 0; round < 10; round++) {
      const client = await start('busy-client.js');
      await witness.call('ping');
      client.kill('SIGKILL');
      await once(client, 'exit');
      expect(await witness.call('ping')).toBe('pong');
    }
    const answer = once(server, 'message');
    server.send('report');
    expect(((await answer) as [{ connections: number }])[0].connections).toBe(1);
    expect(server.exitCode).toBeNull();
  });

  it('fails the calls that wait for it', async () => {
    await bench.serve();
    const client = await start('busy-client.js');
    const server = await bench.lastServed();
    const pending = server.call('never.answered').catch((thrown: unknown) => (thrown as HiveError).code);
    await until(() => server.stats.bytesIn > 0);
    client.kill('SIGKILL');
    expect(await pending).toBe('CONNECTION_CLOSED');
    expect((await server.closed).kind).toBe('peer-ended');
  });
});
