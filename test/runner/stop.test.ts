import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { LiveProcess } from '../../daemon/runner/runner.js';
import { stopFailed } from '../../daemon/runner/script/stop/survivors.js';
import { isGone, type ProcessRow } from '../../shared/process/process-row.js';
import { readProcess } from '../../shared/process/proc-table.js';
import { signalGroup, signalProcess } from '../../shared/process/send-signal.js';
import { bootId } from '../../shared/process/machine.js';
import { fixture, TestingHome, until } from './testing-home.js';

let home: TestingHome;
beforeEach(() => {
  home = new TestingHome();
});
afterEach(() => home.dispose());

const term = { signal: 'SIGTERM', graceMs: 5_000 } as const;
const alive = (pid: number): boolean => {
  const row = readProcess(pid);
  return row !== null && !isGone(row);
};

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGHUP'] as const)('by %s is heard, also right after the start', async (signal) => {
    const runner = home.runner();
    await runner.adopt();
    for (let round = 0; round < 5; round += 1) {
      const instance = await runner.launch(home.request(`web-${round}`, 'exec sleep 1000'));
      const report = await runner.stop(instance, { signal, graceMs: 5_000 });
      expect(report).toMatchObject({ by: 'signal', exit: { kind: 'signal', signal } });
      expect(report.tookMs).toBeLessThan(3_000);
    }
    expect(home.services()).toEqual([]);
  });

  it('by SIGINT works where services ignore it: they get SIGTERM', async () => {
    if (!existsSync('/bin/busybox')) return;
    const runner = home.runner({ launcherShell: ['/bin/busybox', 'sh'] });
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    const report = await runner.stop(instance, { signal: 'SIGINT', graceMs: 5_000 });
    expect(report.by).toBe('signal');
    expect(report.tookMs).toBeLessThan(3_000);
  });

  it('lets a service end in its own way and reports how it did', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'trap "sleep 0.2; exit 5" TERM; echo READY; while :; do sleep 0.01; done'));
    await until('it is ready', () => home.said('web').includes('READY'));
    expect(await runner.stop(instance, term)).toMatchObject({ by: 'signal', exit: { kind: 'code', code: 5 } });
    expect(runner.exits).toMatchObject([{ incarnation: instance.incarnation, exit: { kind: 'code', code: 5 } }]);
  });

  it('kills what ignores SIGTERM after the grace period, and no sooner', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', `exec ${fixture('ignores-term.sh')}`));
    await until('it is ready', () => home.said('web').includes('READY'));
    const waited: LiveProcess[][] = [];
    const report = await runner.stop(instance, { signal: 'SIGTERM', graceMs: 1_500, onWaiting: (processes) => waited.push(processes) });
    expect(report).toMatchObject({ by: 'kill', exit: { kind: 'signal', signal: 'SIGKILL' } });
    expect(report.tookMs).toBeGreaterThanOrEqual(1_500);
    expect(report.tookMs).toBeLessThan(3_500);
    expect(waited[0]?.[0]).toMatchObject({ pid: instance.pid, command: expect.stringContaining('ignores-term.sh') });
    expect(home.services()).toEqual([]);
  });

  it('leaves nothing of what ignores SIGTERM and forks all the time', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', `exec ${fixture('ignores-term-and-forks.sh')}`));
    await until('it is ready', () => home.said('web').includes('READY'));
    expect(await runner.stop(instance, { signal: 'SIGTERM', graceMs: 200 })).toMatchObject({ by: 'kill' });
    expect(home.services()).toEqual([]);
  });

  it('finds the grandchild that left session, group and parent', async () => {
    const runner = home.runner();
    await runner.adopt();
    const file = path.join(home.folder, 'grandchild');
    const instance = await runner.launch(home.request('web', `exec ${fixture('forks-grandchild.sh')}`, { environment: { GRANDCHILD_FILE: file } }));
    await until('it is ready', () => home.said('web').includes('READY'));
    const grandchild = Number(readFileSync(file, 'utf8'));
    expect(readProcess(grandchild)?.sessionId).not.toBe(instance.pid);
    expect((await runner.liveTreeOf(instance)).map(({ pid }) => pid)).toContain(grandchild);
    expect(await runner.stop(instance, { signal: 'SIGTERM', graceMs: 300 })).toMatchObject({ by: 'kill', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(alive(grandchild)).toBe(false);
    expect(home.services()).toEqual([]);
  });

  it('tells a stray to stop before it kills it', async () => {
    const runner = home.runner();
    await runner.adopt();
    const run = `( setsid sh -c 'trap "echo polite; exit" TERM; echo STRAY; while :; do sleep 0.01; done' & ); exec sleep 1000`;
    const instance = await runner.launch(home.request('web', run));
    await until('the stray is ready', () => home.said('web').includes('STRAY'));
    expect(await runner.stop(instance, term)).toMatchObject({ by: 'signal' });
    expect(home.said('web')).toContain('polite');
  });

  it('finds strays without a marker while their parent lives, and in sessions that they opened', async () => {
    const runner = home.runner();
    await runner.adopt();
    const run = 'env -i PATH="$PATH" setsid sh -c "sleep 1000 & sleep 1000" & echo READY; wait';
    const instance = await runner.launch(home.request('web', run));
    const tree = await until('the tree is there', () => {
      const rows = [...home.services()];
      return home.said('web').includes('READY') && rows.length > 0 ? rows : null;
    });
    expect(tree.length).toBeGreaterThan(0);
    let pids: number[] = [];
    for (const started = performance.now(); pids.length < 4 && performance.now() - started < 5_000; ) pids = (await runner.liveTreeOf(instance)).map(({ pid }) => pid);
    expect(pids.length).toBe(4);
    await runner.stop(instance, { signal: 'SIGTERM', graceMs: 2_000 });
    expect(pids.filter(alive)).toEqual([]);
  });

  it('sweeps what an instance that ended by itself has left', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'sleep 1000 & ( setsid sleep 1000 & ); exit 3'));
    await until('its end is told', () => runner.exits.length === 1);
    await until('its strays are there', () => home.services().length === 2);
    expect(await runner.stop(instance, term)).toMatchObject({ by: 'signal', exit: { kind: 'code', code: 3 } });
    expect(home.services()).toEqual([]);
    expect(await runner.stop(instance, term)).toMatchObject({ by: 'already-gone', exit: { kind: 'code', code: 3 } });
  });

  it('needs no open output, continues what was stopped, and works on what was adopted', async () => {
    const first = home.runner();
    await first.adopt();
    await first.launch(home.request('silent', `exec ${fixture('closes-stdio.sh')}`));
    const frozen = await first.launch(home.request('frozen', 'exec sleep 1000'));
    await until('it is ready', () => home.said('silent').includes('READY'));
    process.kill(frozen.pid, 'SIGSTOP');
    await first.close();
    const second = home.runner();
    const { living } = await second.adopt();
    expect(living.length).toBe(2);
    const reports = await Promise.all(living.map((instance) => second.stop(instance, term)));
    for (const report of reports) expect(report).toMatchObject({ by: 'signal', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(home.services()).toEqual([]);
  });

  it('spares the shim, so that the exit of what was killed is exact', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    expect(await runner.stop(instance, { signal: 'SIGKILL', graceMs: 0 })).toMatchObject({ exit: { kind: 'signal', signal: 'SIGKILL' } });
  });

  it('of two hundred at once shares its scans', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instances = await Promise.all(Array.from({ length: 200 }, (_, index) => runner.launch(home.request(`web-${index}`, 'exec sleep 1000'))));
    const cpu = process.cpuUsage();
    const started = performance.now();
    const reports = await Promise.all(instances.map((instance) => runner.stop(instance, term)));
    const used = process.cpuUsage(cpu);
    console.log(`200 stops at once: ${(performance.now() - started).toFixed(0)} ms, ${((used.user + used.system) / 1000).toFixed(0)} ms of processor time`);
    expect(reports.every(({ by }) => by === 'signal')).toBe(true);
    expect(home.services()).toEqual([]);
  });
});

describe('a signal', () => {
  it('never reaches a stranger under the same pid', async () => {
    const stranger = spawn('/bin/sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const pid = stranger.pid ?? 0;
    const start = readProcess(pid)?.startTicks ?? 0;
    const gone = new Promise((resolve) => stranger.once('exit', (_code, signal) => resolve(signal)));
    for (const send of [signalProcess, signalGroup]) {
      expect(send({ bootId: bootId(), pid, startTicks: start - 1 }, 'SIGKILL')).toBe('gone');
      expect(send({ bootId: 'another boot', pid, startTicks: start }, 'SIGKILL')).toBe('gone');
    }
    expect(alive(pid)).toBe(true);
    expect(signalProcess({ bootId: bootId(), pid, startTicks: start }, 'SIGUSR2')).toBe('sent');
    expect(await gone).toBe('SIGUSR2');
  });
});

describe('what survives everything', () => {
  const row = (pid: number, state: string): ProcessRow => ({
    pid, state, name: 'dd', parentPid: 1, groupId: pid, sessionId: pid, startTicks: 1, cpuTicks: 0, childCpuTicks: 0, threads: 1, residentBytes: 0, isKernelThread: false,
  });

  it('is named, with the reason where its state tells it', () => {
    const error = stopFailed({ source: 'test', service: 'web', number: 1 }, [row(4711, 'D'), row(4712, 'S')], ({ pid }) => `dd if=${pid}`);
    expect(error.code).toBe('STOP_FAILED');
    expect(error.message).toBe('test:web#1 was killed, but of its processes 2 are still alive: pid 4711 (dd if=4711, in an uninterruptible wait), pid 4712 (dd if=4712).');
    expect(error.next).toContain('disk');
    expect(error.data['survivors']).toEqual([{ pid: 4711, command: 'dd if=4711' }, { pid: 4712, command: 'dd if=4712' }]);
  });
});
