import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { daemonProgram, TestHive } from '../support/test-hive.js';

describe('promise 8: of 100 daemons started at once exactly one wins', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  it('lets the others say who owns the home', async () => {
    hive = await TestHive.started();
    await hive.kill();
    const outcomes = await startMany(hive.home, 100);
    const winners = outcomes.filter(({ ready }) => ready);
    expect(winners).toHaveLength(1);
    const winner = winners[0];
    for (const loser of outcomes.filter(({ ready }) => !ready)) {
      expect(loser.exitCode).toBe(1);
      expect(loser.printed).toMatch(/Another daemon( \(pid \d+\))? owns .*hivectl daemon stop.*\[HOME_LOCKED\]/s);
    }
    winner?.end();
    await winner?.exited;
  }, 180_000);

  it('recovers from a stale socket and a stale pid file', async () => {
    hive = new TestHive();
    const socket = join(hive.home, 'hive.sock');
    const stale = createServer().listen(socket);
    await once(stale, 'listening');
    // A socket whose process died: nobody unlinks it.
    const child = spawn(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(`${socket}.old`)}, () => process.kill(process.pid, 'SIGKILL'))`]);
    await once(child, 'exit');
    stale.close();
    writeFileSync(join(hive.home, 'hive.pid'), '1\n');
    spawn('mv', [`${socket}.old`, socket]);
    await hive.start();
    expect((await hive.client.status()).pid).toBe(hive.pid);
  });
});

interface Outcome { ready: boolean; exitCode: number | null; printed: string; end: () => void; exited: Promise<unknown> }

async function startMany(home: string, count: number): Promise<Outcome[]> {
  return Promise.all(Array.from({ length: count }, async (): Promise<Outcome> => {
    const daemon = spawn(process.execPath, [daemonProgram, '--home', home], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HIVE_HOME: home } });
    let printed = '';
    // Not `exit`, at which its last words may still be on their way.
    const exited = once(daemon, 'close');
    const ready = new Promise<boolean>((resolve) => {
      daemon.stdout.on('data', (chunk: Buffer) => { if ((printed += chunk.toString()).includes('is ready')) resolve(true); });
    });
    daemon.stderr.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
    const isReady = await Promise.race([ready, exited.then(() => false)]);
    return { ready: isReady, exitCode: daemon.exitCode, printed, end: () => daemon.kill('SIGTERM'), exited };
  }));
}
