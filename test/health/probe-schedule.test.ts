import { describe, expect, it } from '@jest/globals';
import { DueQueue } from '../../daemon/health/due-queue.js';
import { nextProbeDelayMs } from '../../daemon/health/probe-schedule.js';
import { afterProbe, freshHistory } from '../../daemon/health/verdict.js';
import type { HealthCheckSpec } from '../../shared/config/service-spec.js';

const tcp: HealthCheckSpec = { type: 'tcp', port: 'http', intervalMs: 10_000, timeoutMs: 5000, retries: 3, startPeriodMs: 0 };

/** When a check that always fails is made, in seconds, until `untilMs`. */
function failingProbes(check: HealthCheckSpec, untilMs: number): { atMs: number; verdict: string }[] {
  let history = freshHistory(0, null);
  const probes = [];
  for (let nowMs = 0; nowMs <= untilMs; ) {
    history = afterProbe(history, check, 0, { passed: false, atMs: nowMs });
    probes.push({ atMs: nowMs, verdict: history.verdict });
    nowMs += nextProbeDelayMs(check, history, { startedAtMs: 0, nowMs }, 0.5);
  }
  return probes;
}

describe('the schedule of a health check', () => {
  it('looks often while an instance comes up, and less and less', () => {
    const waits = failingProbes(tcp, 9000).map(({ atMs }, index, all) => (all[index + 1]?.atMs ?? 9999) - atMs).slice(0, -1);
    expect(waits[0]).toBe(50);
    expect(Math.max(...waits)).toBeLessThanOrEqual(2000);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(waits[index - 1] ?? 0);
    expect(waits.length).toBeLessThan(35);
  });

  it('is there when a failure counts, so that a verdict is not later than interval × retries', () => {
    const probes = failingProbes(tcp, 31_000);
    expect(probes.filter(({ atMs }) => atMs % 10_000 === 0).map(({ atMs }) => atMs)).toEqual([0, 10_000, 20_000, 30_000]);
    expect(probes.find(({ verdict }) => verdict === 'unhealthy')?.atMs).toBe(30_000);
  });

  it('looks every interval, give or take a tenth, once there is a verdict', () => {
    const healthy = freshHistory(0, true);
    const delay = (random: number): number => nextProbeDelayMs(tcp, healthy, { startedAtMs: 0, nowMs: 100 }, random);
    expect(delay(0)).toBe(9000);
    expect(delay(0.5)).toBe(10_000);
    expect(delay(0.999)).toBeLessThan(11_000);
  });

  it('never waits longer than the interval, and gives commands more time', () => {
    expect(nextProbeDelayMs({ ...tcp, intervalMs: 20 }, freshHistory(0, null), { startedAtMs: 0, nowMs: 0 }, 0)).toBe(20);
    const cmd: HealthCheckSpec = { ...tcp, type: 'cmd', command: 'true', workingDir: '/' };
    expect(nextProbeDelayMs(cmd, freshHistory(0, null), { startedAtMs: 0, nowMs: 0 }, 0)).toBe(250);
  });
});

describe('DueQueue', () => {
  it('hands out what is due, earliest first, and nothing else', async () => {
    let now = 0;
    const taken: number[] = [];
    const allTaken = new Promise<void>((resolve) => {
      const queue = new DueQueue<{ dueAtMs: number }>(() => now, (entry) => {
        taken.push(entry.dueAtMs);
        if (taken.length < 401) return;
        queue.clear();
        resolve();
      });
      for (let index = 0; index < 500; index += 1) queue.add({ dueAtMs: (index * 7919) % 500 });
      now = 399.5;
      queue.add({ dueAtMs: -1 });
      queue.add({ dueAtMs: 1e9 });
    });
    await allTaken;
    expect(taken).toEqual([-1, ...Array.from({ length: 400 }, (_, index) => index)]);
  });
});
