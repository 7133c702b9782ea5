import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HiveError } from '../../shared/errors/hive-error.js';
import { connectRpc, dialRpc, listenRpc, type DialOptions, type RpcConnection, type RpcServer } from '../../shared/rpc/index.js';
import { until } from './pair.js';

let folder: string;
let path: string;
const servers: RpcServer[] = [];
const clients: RpcConnection[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hive-socket-'));
  path = join(folder, 'hive.sock');
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const client of clients.splice(0)) client.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(at = path, options = {}): Promise<RpcServer> {
  const server = await listenRpc(at, (socket) => void connectRpc(socket, { name: 'a client', onRequest: () => 'pong' }), options);
  servers.push(server);
  return server;
}

async function dial(at: string, options: DialOptions): Promise<RpcConnection> {
  const client = await dialRpc(at, options);
  clients.push(client);
  return client;
}

async function refusal(promise: Promise<unknown>): Promise<HiveError> {
  const thrown = await promise.then(() => new Error('It was not refused.'), (error: unknown) => error);
  expect(thrown).toBeInstanceOf(HiveError);
  return thrown as HiveError;
}

describe('listening', () => {
  it('makes a socket that only its owner can connect to, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const listening = listen();
      // Bound within the call or soon after it: at every look there is either no socket or a closed one.
      for (let look = 0; look < 1000 && !existsSync(path); look++) await Promise.resolve();
      if (existsSync(path)) expect(statSync(path).mode & 0o077).toBe(0);
      await listening;
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('never shows a mode that lets others in, seen from another process', async () => {
    // Watches the folder in a tight loop while sockets come and go, and reports every group or world bit it sees.
    const watcher = spawn(process.execPath, ['-e', `
      const fs = require('fs');
      process.stdin.once('data', () => { stop = true; });
      let stop = false, looks = 0, seen = 0, open = 0;
      process.stdout.write('ready');
      (function look() {
        for (let i = 0; i < 2000; i++) {
          looks++;
          const found = fs.statSync(process.argv[1], { throwIfNoEntry: false });
          if (found) { seen++; if (found.mode & 0o077) open++; }
        }
        if (stop) process.stdout.write(JSON.stringify({ looks, seen, open }), () => process.exit(0)); else setImmediate(look);
      })();`, path]);
    await once(watcher.stdout, 'data');
    const before = process.umask(0);
    try {
      for (let round = 0; round < 200; round++) {
        (await listen()).close();
        await until(() => !existsSync(path));
      }
    } finally {
      process.umask(before);
    }
    const report = once(watcher.stdout, 'data');
    watcher.stdin.write('stop');
    const [text] = (await report) as [Buffer];
    const { seen, open } = JSON.parse(text.toString()) as { seen: number; open: number };
    expect(seen).toBeGreaterThan(0);
    expect(open).toBe(0);
  });

  it('refuses a path over 107 bytes before it makes anything, and takes one of 107', async () => {
    const fitting = join(folder, 'x'.repeat(107 - Buffer.byteLength(folder) - 1));
    await listen(fitting);
    expect(lstatSync(fitting).isSocket()).toBe(true);
    const error = await refusal(listen(`${fitting}x`));
    expect([error.code, error.data['bytes']]).toEqual(['TOO_LARGE', 108]);
    expect(error.message).toContain('the system allows 107');
    expect((await refusal(dial(`${fitting}x`, { name: 'the daemon' }))).code).toBe('TOO_LARGE');
  });

  it('replaces a socket that its dead owner left behind', async () => {
    const child = fork(join(import.meta.dirname, 'rpc-server-process.js'), [path]);
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(lstatSync(path).isSocket()).toBe(true);
    await listen();
    expect(await (await dial(path, { name: 'the daemon' })).call('ping')).toBe('pong');
  });

  it('leaves a socket alone that somebody answers on', async () => {
    await listen();
    expect((await refusal(listen())).code).toBe('HOME_LOCKED');
    expect(await (await dial(path, { name: 'the daemon' })).call('ping')).toBe('pong');
  });

  it('does not remove a file that is no socket', async () => {
    writeFileSync(path, 'precious');
    expect((await refusal(listen())).code).toBe('CONFLICT');
    expect(lstatSync(path).isFile()).toBe(true);
  });

  it('says so when the folder is missing', async () => {
    expect((await refusal(listen(join(folder, 'no', 'hive.sock')))).code).toBe('HOME_REFUSED');
  });

  it('turns connections over the limit away and lives on', async () => {
    await listen(path, { maxConnections: 2 });
    const [first] = [await dial(path, { name: 'a' }), await dial(path, { name: 'b' })];
    const third = await dial(path, { name: 'c' });
    expect((await refusal(third.call('ping'))).code).toBe('CONNECTION_CLOSED');
    expect(await first?.call('ping')).toBe('pong');
  });

  it('closed, removes its file and keeps the open connections', async () => {
    const server = await listen();
    const client = await dial(path, { name: 'the daemon' });
    expect(await client.call('ping')).toBe('pong');
    server.close();
    await until(() => !existsSync(path));
    expect(await client.call('ping')).toBe('pong');
    client.close();
  });

  it('survives a connection handler that throws', async () => {
    const defects: unknown[] = [];
    servers.push(await listenRpc(path, () => { throw new Error('handler'); }, { onDefect: (error) => defects.push(error) }));
    const client = await dial(path, { name: 'the daemon' });
    expect((await client.closed).kind).toBe('peer-ended');
    expect(defects.map(String)).toEqual(['Error: handler']);
  });
});

describe('dialling', () => {
  it('says how to start a daemon when there is no socket', async () => {
    const error = await refusal(dial(path, { name: 'the daemon' }));
    expect(error.code).toBe('DAEMON_UNREACHABLE');
    expect(error.message).toBe(`No daemon is running: there is no socket at ${path}.`);
    expect(error.next).toContain('hivectl daemon start');
  });

  it('says that the daemon is gone when nobody answers', async () => {
    const child = fork(join(import.meta.dirname, 'rpc-server-process.js'), [path]);
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const error = await refusal(dial(path, { name: 'the daemon' }));
    expect(error.code).toBe('DAEMON_UNREACHABLE');
    expect(error.message).toContain('Nobody answers');
  });

  it('waits while the backlog is full', async () => {
    // A listener that does not accept: its backlog of 1 fills with the first connections.
    const child = spawn('python3', ['-c', `
import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
print('ready', flush=True)
sys.stdin.readline()
while True: s.accept()[0].close()`, path]);
    try {
      await once(child.stdout, 'data');
      const dialled = Array.from({ length: 4 }, () => dial(path, { name: 'the daemon' }));
      const early = await Promise.race([Promise.all(dialled).then(() => 'all'), new Promise((resolve) => setTimeout(() => resolve('some wait'), 50))]);
      expect(early).toBe('some wait');
      child.stdin.write('go\n');
      for (const connection of await Promise.all(dialled)) await connection.closed;
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('gives up on a full backlog when the time is over', async () => {
    const child = spawn('python3', ['-c', `
import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
print('ready', flush=True)
sys.stdin.readline()`, path]);
    try {
      await once(child.stdout, 'data');
      const results = await Promise.allSettled(Array.from({ length: 4 }, () => dial(path, { name: 'the daemon', connectTimeoutMs: 60 })));
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as HiveError] : []));
      expect(refused.length).toBeGreaterThan(0);
      for (const error of refused) expect(error.code).toBe('DAEMON_UNREACHABLE');
    } finally {
      child.kill('SIGKILL');
    }
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? it : it.skip)('is refused for another user', async () => {
    await listen();
    chmodSync(folder, 0o711);
    const child = fork(join(import.meta.dirname, 'dial-as-nobody.js'), [path]);
    const [answer] = (await once(child, 'message')) as [{ code: string; message: string }];
    expect(answer.code).toBe('PERMISSION_DENIED');
    await once(child, 'exit');
  });

  it('does not disturb a listener that speaks something else', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(path);
    await once(server, 'listening');
    const client = await dial(path, { name: 'the daemon' });
    expect((await refusal(client.call('ping'))).code).toBe('CONNECTION_CLOSED');
    expect((await client.closed).kind).toBe('bad-frame');
    server.close();
  });
});
