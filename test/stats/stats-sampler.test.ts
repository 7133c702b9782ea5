import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { StatsSampler, type SampledInstance, type StatsAnswer } from '../../daemon/stats/stats-sampler.js';
import { waitFor } from '../health/wait-for.js';

const fixtures = join(import.meta.dirname, '../../../test/fixtures');
const started: ChildProcess[] = [];

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    process.kill(-child.pid, 'SIGKILL');
    await once(child, 'exit');
  }
});

/** Starts a session of its own, as a runner does. */
function session(command: string, ...args: string[]): { pid: number; child: ChildProcess } {
  const child = spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return { pid: child.pid, child };
}

function sampling(...pids: number[]): StatsSampler {
  const instances: SampledInstance[] = pids.map((pid, index) => ({ ref: { source: 'default', service: 'web', number: index + 1 }, pid }));
  return new StatsSampler({ instances: () => instances });
}

async function nextSample(sampler: StatsSampler, after: StatsAnswer): Promise<StatsAnswer> {
  return waitFor('the next sample', async () => {
    const answer = await sampler.get();
    return answer.host !== after.host && answer;
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return line;
}

describe('StatsSampler', () => {
  it('counts the processor, memory, threads and files of a whole tree', async () => {
    const script = `
      const fs = require('node:fs');
      const kept = Buffer.alloc(64 * 1024 * 1024, 1);
      for (let n = 0; n < 50; n += 1) fs.openSync('/dev/null', 'r');
      console.log(kept.length);
      for (;;);`;
    const busy = session('/bin/sh', '-c', `"${process.execPath}" -e "$0" & wait`, script);
    await firstLine(busy.child);
    const idle = session('/bin/sh', '-c', 'echo up; read -r line');
    await firstLine(idle.child);
    const sampler = sampling(busy.pid, idle.pid);
    const first = await sampler.get();
    const { stats, host } = await nextSample(sampler, first);
    const [one, two] = stats;
    expect(one).toMatchObject({ fqn: 'default:web', instance: 'default:web#1' });
    expect(one?.cpu).toBeGreaterThan(0.2);
    expect(one?.cpu).toBeLessThan(1.5);
    expect(one?.memoryBytes).toBeGreaterThan(90e6);
    expect(one?.openFiles).toBeGreaterThan(60);
    expect(one?.threads).toBeGreaterThan(5);
    expect(two?.cpu).toBeLessThan(0.05);
    expect(two?.memoryBytes).toBeLessThan(10e6);
    expect(two?.threads).toBe(1);
    expect(two?.openFiles).toBe(readdirSync(`/proc/${idle.pid}/fd`).length);
    expect(host.cores).toBeGreaterThan(0);
    expect(host.cpu).toBeGreaterThan(0.2);
    expect(host.cpu).toBeLessThanOrEqual(host.cores);
    expect(host.memoryBytes).toBeGreaterThan(90e6);
    expect(host.memoryBytes).toBeLessThan(host.memoryTotalBytes);
  });

  it('answers a first question at once, with the use since the start', async () => {
    const { pid } = session(process.execPath, '-e', 'for (;;);');
    await delay(300);
    const askedAt = performance.now();
    const { stats } = await sampling(pid).get();
    expect(performance.now() - askedAt).toBeLessThan(150);
    expect(stats[0]?.cpu).toBeGreaterThan(0.2);
    expect(stats[0]?.uptimeMs).toBeGreaterThan(250);
    expect(stats[0]?.uptimeMs).toBeLessThan(5000);
  });

  it('sees what children used that ended between two samples', async () => {
    const { pid } = session('/bin/sh', join(fixtures, 'burns-in-short-children.sh'));
    const sampler = sampling(pid);
    const first = await sampler.get();
    const { stats } = await nextSample(sampler, first);
    expect(stats[0]?.cpu).toBeGreaterThan(0.2);
    expect(stats[0]?.cpu).toBeLessThan(1.5);
  });

  it('follows a descendant that left the session', async () => {
    const away = session('/bin/sh', '-c', 'setsid sh -c "echo away; sleep 1000" & child=$!; trap "kill -KILL -$child; exit" TERM; wait');
    await firstLine(away.child);
    const { stats } = await sampling(away.pid).get();
    expect(stats[0]?.threads).toBe(3);
    away.child.kill('SIGTERM');
    await once(away.child, 'exit');
  });

  it('leaves out the shim, and an instance that is gone', async () => {
    const shim = session('/bin/sh', '-c', 'sleep 1000 & echo $!; wait');
    const pid = Number(await firstLine(shim.child));
    const ref = { source: 'default', service: 'web', number: 1 };
    const instances = [{ ref, pid, shimPid: shim.pid }];
    const sampler = new StatsSampler({ instances: () => instances });
    expect((await sampler.get()).stats).toMatchObject([{ instance: 'default:web#1', threads: 1 }]);
    process.kill(pid, 'SIGKILL');
    await once(shim.child, 'exit');
    await waitFor('a sample without it', async () => (await sampler.get()).stats.length === 0);
  });

  it('answers for one service or one instance', async () => {
    const { pid } = session('/bin/sleep', '1000');
    const sampler = new StatsSampler({
      instances: () => [
        { ref: { source: 'default', service: 'web', number: 1 }, pid },
        { ref: { source: 'default', service: 'webbing', number: 1 }, pid: process.pid },
      ],
    });
    expect((await sampler.get('default:web')).stats.map((row) => row.instance)).toEqual(['default:web#1']);
    expect((await sampler.get('default:webbing#1')).stats.map((row) => row.instance)).toEqual(['default:webbing#1']);
    expect((await sampler.get('default:web#2')).stats).toEqual([]);
  });

  it('shares one look among all who ask at a time', async () => {
    let looks = 0;
    const sampler = new StatsSampler({
      instances: () => {
        looks += 1;
        return [];
      },
    });
    await Promise.all(Array.from({ length: 100 }, () => sampler.get()));
    await sampler.get();
    expect(looks).toBe(1);
  });

  it('takes a few percent of a core at most with 1,000 services, however often it is asked', async () => {
    const { child } = session('/bin/sh', join(fixtures, 'many-sessions.sh'), '1000');
    const pids: number[] = [];
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      pids.push(Number(line));
      if (pids.length === 1000) break;
    }
    try {
      const sampler = sampling(...pids);
      const { stats } = await sampler.get();
      expect(stats).toHaveLength(1000);
      await sampler.get();
      const answers = new Set<StatsAnswer['host']>();
      const before = process.cpuUsage();
      const beganAtMs = performance.now();
      const elapsedMs = (): number => performance.now() - beganAtMs;
      // On a busy machine a sample costs more, and is shared for longer.
      while (elapsedMs() < 6_000 || (answers.size < 2 && elapsedMs() < 30_000)) {
        answers.add((await sampler.get()).host);
        await delay(20);
      }
      const used = process.cpuUsage(before);
      const share = (used.user + used.system) / 1000 / elapsedMs();
      expect(answers.size).toBeGreaterThan(1);
      // The loop that asks and the test runner are in this figure too, on a machine that may be busy; sampling each time would
      // take a whole core.
      expect(share).toBeLessThan(0.15);
    } finally {
      child.stdin?.end('\n');
      await once(child, 'exit');
    }
  });
});
