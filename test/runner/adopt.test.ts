import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../shared/package-root.js';
import { bootId } from '../../shared/process/machine.js';
import { readProcess, readProcessTable } from '../../shared/process/proc-table.js';
import { TestingHome, until } from './testing-home.js';

let home: TestingHome;
let daemons: ChildProcess[];
beforeEach(() => {
  home = new TestingHome();
  daemons = [];
});
afterEach(async () => {
  await Promise.all(daemons.map(killed));
  await home.dispose();
});

/** Kills a child with SIGKILL, if it lives; resolves when it is gone. */
const killed = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
};

describe('what runs while no daemon does', () => {
  it('is adopted under the same pid, and its end is told as if nothing had been', async () => {
    const first = home.runner();
    await first.adopt();
    const instance = await first.launch(home.request('web', 'exec sleep 1000'));
    await first.close();
    const second = home.runner();
    const { living, exited } = await second.adopt();
    expect(exited).toEqual([]);
    expect(living).toMatchObject([{ ref: instance.ref, incarnation: instance.incarnation, pid: instance.pid, shimPid: instance.shimPid }]);
    expect(Math.abs((living[0]?.startedAt.getTime() ?? 0) - instance.startedAt.getTime())).toBeLessThan(100);
    process.kill(instance.pid, 'SIGUSR1');
    await until('its end is told', () => second.exits.length === 1);
    expect(second.exits[0]?.exit).toEqual({ kind: 'signal', signal: 'SIGUSR1' });
    expect(first.exits).toEqual([]);
  });

  it.each([
    ['exit 143', { kind: 'code', code: 143 }],
    ['exit 0', { kind: 'code', code: 0 }],
    ['kill -TERM $$', { kind: 'signal', signal: 'SIGTERM' }],
  ])('and ends by `%s` is replayed exactly, by every daemon until it is forgotten', async (end, expected) => {
    const first = home.runner();
    await first.adopt();
    const gate = path.join(home.folder, 'gate');
    const request = home.request('web', `while [ ! -e ${gate} ]; do sleep 0.01; done; ${end}; sleep 5`);
    await first.launch(request);
    await first.close();
    const before = Date.now();
    writeFileSync(gate, '');
    await until('it has ended', () => /\nexit /.test(home.record('web')));
    for (let round = 0; round < 2; round += 1) {
      const next = home.runner();
      const { living, exited } = await next.adopt();
      expect(living).toEqual([]);
      expect(exited).toMatchObject([{ ref: request.ref, incarnation: request.incarnation, exit: expected }]);
      expect(exited[0]?.at.getTime()).toBeGreaterThan(before - 20);
      expect(exited[0]?.at.getTime()).toBeLessThan(Date.now() + 20);
      if (round === 1) await next.forget(request.ref, request.incarnation);
      await next.close();
    }
    expect(await home.runner().adopt()).toEqual({ living: [], exited: [] });
  });

  it('is alive although its shim was killed, and ends unknown', async () => {
    const first = home.runner();
    await first.adopt();
    const instance = await first.launch(home.request('web', 'exec sleep 1000'));
    await first.close();
    process.kill(instance.shimPid ?? 0, 'SIGKILL');
    await until('the shim is gone', () => home.shims().length === 0);
    const second = home.runner();
    const { living } = await second.adopt();
    expect(living).toMatchObject([{ incarnation: instance.incarnation, pid: instance.pid }]);
    expect(living[0]?.shimPid).toBeUndefined();
    process.kill(instance.pid, 'SIGKILL');
    await until('its end is told', () => second.exits.length === 1);
    expect(second.exits[0]?.exit.kind).toBe('unknown');
  });

  it('is found although its shim was killed before it could write down the service', async () => {
    const first = home.runner();
    await first.adopt();
    const instance = await first.launch(home.request('web', 'exec sleep 1000'));
    await first.close();
    process.kill(instance.shimPid ?? 0, 'SIGKILL');
    await until('the shim is gone', () => home.shims().length === 0);
    const record = path.join(home.runFolder('web'), 'record');
    writeFileSync(record, `${readFileSync(record, 'utf8').split('\n')[0]}\n`);
    const second = home.runner();
    expect((await second.adopt()).living).toMatchObject([{ incarnation: instance.incarnation, pid: instance.pid }]);
  });
});

describe('a record', () => {
  const shimLine = (boot: string, pid: number, start: number): string => `shim ${boot} ${pid} ${start} inc-1\n`;
  const write = (text: string): void => {
    mkdirSync(home.runFolder('web'), { recursive: true });
    writeFileSync(path.join(home.runFolder('web'), 'record'), text);
  };

  it('of another boot is an unknown exit, whoever has its pids now', async () => {
    const own = readProcess(process.pid);
    const start = own?.startTicks ?? 0;
    write(`${shimLine('11111111-2222-3333-4444-555555555555', process.pid, start)}service ${process.pid} ${start}\n`);
    const { living, exited } = await home.runner().adopt();
    expect(living).toEqual([]);
    expect(exited).toMatchObject([{ incarnation: 'inc-1', exit: { kind: 'unknown' } }]);
  });

  it('whose pids were reused is an unknown exit, and nobody is signalled when it is stopped', async () => {
    const stranger = spawn('/bin/sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const start = (readProcess(stranger.pid ?? 0)?.startTicks ?? 0) - 1;
    write(`${shimLine(bootId(), stranger.pid ?? 0, start)}service ${stranger.pid} ${start}\n`);
    const runner = home.runner();
    const { exited } = await runner.adopt();
    expect(exited).toMatchObject([{ exit: { kind: 'unknown' }, pid: stranger.pid }]);
    const instance = { ref: { source: 'test', service: 'web', number: 1 }, incarnation: 'inc-1', pid: stranger.pid ?? 0, startedAt: new Date() };
    const report = await runner.stop(instance, { signal: 'SIGKILL', graceMs: 0 });
    expect(report.by).toBe('already-gone');
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(readProcess(stranger.pid ?? 0)?.state).not.toBe('Z');
    const gone = new Promise((resolve) => stranger.once('exit', resolve));
    stranger.kill('SIGKILL');
    await gone;
  });

  it('that was torn while it was written is a lock that nobody holds', async () => {
    write('shim 9f');
    const runner = home.runner();
    expect(await runner.adopt()).toEqual({ living: [], exited: [] });
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    await until('it is up', () => home.services().some(({ pid }) => pid === instance.pid));
    expect(home.services().length).toBe(1);
  });

  it('whose exit was torn is an unknown exit, never a 0', async () => {
    write(`${shimLine(bootId(), 4_000_000, 1)}service 4000001 1\n[1] + Done                       \nexit 0`);
    expect((await home.runner().adopt()).exited).toMatchObject([{ exit: { kind: 'unknown' } }]);
  });

  it('is not needed for what was ordered and never begun: the order is taken back', async () => {
    mkdirSync(home.runFolder('web'), { recursive: true });
    writeFileSync(path.join(home.runFolder('web'), 'launch.inc-9.1'), 'export TOKEN=secret\n');
    expect(await home.runner().adopt()).toEqual({ living: [], exited: [] });
    expect(() => readFileSync(path.join(home.runFolder('web'), 'launch.inc-9.1'))).toThrow('ENOENT');
  });
});

describe('a thousand run folders', () => {
  it('are read soon', async () => {
    // One process stands for all thousand services: what proves that it is theirs is its output.
    const logs = path.join(home.folder, 'logs/test/web');
    mkdirSync(logs, { recursive: true });
    const log = openSync(path.join(logs, '1.log'), 'a');
    const service = spawn('/bin/sleep', ['1000'], { stdio: ['ignore', log, log] });
    closeSync(log);
    daemons.push(service);
    const main = readProcess(service.pid ?? 0);
    const own = readProcess(process.pid);
    for (let number = 1; number <= 1000; number += 1) {
      const folder = path.join(home.folder, 'run/test/web', String(number));
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'record'), `shim ${bootId()} ${process.pid} ${own?.startTicks} inc-${number}\nservice ${main?.pid} ${main?.startTicks}\n`);
    }
    const runner = home.runner();
    const started = performance.now();
    const { living } = await runner.adopt();
    const took = performance.now() - started;
    console.log(`1,000 run folders adopted: ${took.toFixed(0)} ms`);
    expect(living.length).toBe(1000);
    expect(took).toBeLessThan(2_000);
  });
});

describe('SIGKILL in the middle of starting a hundred', () => {
  const daemon = (count: number): ChildProcess =>
    spawn(process.execPath, [path.join(packageRoot(), 'dist/test/runner/programs/starts-many.js'), home.folder, String(count), JSON.stringify({ HIVE_TEST_HOME: home.folder, PATH: process.env['PATH'] })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });

  const launcherOf = (parent: number): number | undefined => [...readProcessTable().values()].find((row) => row.parentPid === parent && !row.isKernelThread)?.pid;

  it.each([
    ['the daemon', 5],
    ['the daemon', 20],
    ['the daemon', 45],
    ['the daemon and its launcher', 10],
    ['the daemon and its launcher', 30],
    ['the launcher', 15],
    ['the launcher', 30],
  ])('of %s after %d ms leaves each either running once, or ended exactly, or never begun', async (whom, afterMs) => {
    const count = 100;
    const child = daemon(count);
    daemons.push(child);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the daemon is ready', () => said.includes('ready'));
    const launcher = await until('it has its launcher', () => launcherOf(child.pid ?? 0));
    child.stdin?.write('go\n');
    await until('the first is up', () => said.includes('up '));
    await sleep(afterMs);
    if (whom !== 'the daemon') process.kill(launcher, 'SIGKILL');
    if (whom === 'the launcher') {
      // A daemon that lives starts another launcher and misses nothing.
      await until('all are up', () => said.split('\n').filter((line) => /^(up|failed) /.test(line)).length === count, 20_000);
      expect(said).not.toContain('failed');
    }
    await killed(child);

    const runner = home.runner();
    const started = performance.now();
    const { living, exited } = await runner.adopt();
    const took = performance.now() - started;
    const known = new Map(said.split('\n').flatMap((line) => (line.startsWith('up ') ? [line.split(' ').slice(1).map(Number) as [number, number]] : [])));
    console.log(`SIGKILL of ${whom} after ${afterMs} ms: ${known.size} were known to be up, ${living.length} adopted, ${exited.length} had ended, ${took.toFixed(0)} ms`);

    const now = new Map(living.map(({ ref, pid }) => [ref.number, pid]));
    for (const { ref, pid, exit } of exited) {
      expect([ref.number % 10, exit]).toEqual([0, { kind: 'code', code: ref.number % 200 }]);
      expect(exit).toEqual({ kind: 'code', code: ref.number % 200 });
      now.set(ref.number, pid ?? 0);
    }
    for (const { ref, exit } of runner.exits) expect(exit).toEqual({ kind: 'code', code: ref.number % 200 });
    expect(now.size).toBe(living.length + exited.length);
    for (const [number, pid] of known) expect([number, now.get(number)]).toEqual([number, pid]);
    // Whatever was not adopted does not come up later either: the whole hundred can be started now, each once.
    const rest = Array.from({ length: count }, (_, index) => index + 1).filter((number) => !now.has(number));
    const more = await Promise.all(rest.map((number) => runner.launch(home.request('web', 'exec sleep 1000', { ref: { source: 'test', service: 'web', number } }))));
    const expected = new Set([...living.filter(({ ref }) => ref.number % 10 !== 0), ...more].map(({ pid }) => pid));
    await until('the short ones have ended', () => home.services().length === expected.size);
    expect(new Set(home.services().map(({ pid }) => pid))).toEqual(expected);
  });
});

describe('a lost ring', () => {
  it('is made up for by the safety poll', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    // Nobody rings for this: the shim is gone before the service, and the record ends with the service still running.
    appendFileSync(path.join(home.folder, 'run/.exits'), 'exited\nnonsense\nexited nobody\n');
    process.kill(instance.shimPid ?? 0, 'SIGKILL');
    process.kill(instance.pid, 'SIGKILL');
    await until('its end is told', () => runner.exits.length === 1);
    expect(runner.exits[0]?.exit.kind).toBe('unknown');
  });
});
