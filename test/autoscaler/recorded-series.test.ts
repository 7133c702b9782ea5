import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { lastCount, minute, simulate, times, turns } from './simulation.js';

/** Measured on a real service by record-series.ts; each figure stands for one sample here. */
function recorded(name: string): number[] {
  return JSON.parse(readFileSync(join(packageRoot(), 'test/autoscaler/recorded', `${name}.json`), 'utf8')) as number[];
}

/** As a load: first what was recorded, again and again. */
const again = (cpu: readonly number[]) => (atMs: number): number => cpu[Math.floor(atMs / times.everyMs) % cpu.length] ?? 0;

describe('recorded series', () => {
  it('a load that came and went: up once, down once, at the end as at the beginning', () => {
    const cpu = recorded('up-and-down');
    const load = (atMs: number): number => cpu[Math.min(cpu.length - 1, Math.floor(atMs / times.everyMs))] ?? 0;
    const changes = simulate({ cpuUp: 0.5, cpuDown: 0.15 }, { load }, 40 * minute);
    expect(turns(changes)).toBe(1);
    expect(lastCount(changes)).toBe(1);
    // It came 150 s after the beginning.
    expect(changes[0]?.atMs).toBeGreaterThan(150_000);
    expect(changes[0]?.atMs).toBeLessThanOrEqual(150_000 + times.windowMs + times.checkMs);
  });

  it('bursts of a sample or two, for hours: nothing', () => {
    expect(simulate({ instances: 2, cpuUp: 0.12, cpuDown: 0.02 }, { load: again(recorded('bursts')) }, 180 * minute)).toEqual([]);
  });

  it('a load that real programs make uneven, at any threshold near to it: one direction, then rest', () => {
    const cpu = recorded('steady');
    const mean = cpu.reduce((sum, value) => sum + value, 0) / cpu.length;
    for (const factor of [0.3, 0.5, 0.7, 0.9, 0.95, 1, 1.05, 1.1, 1.3, 2]) {
      const changes = simulate({ cpuUp: mean * factor, cpuDown: mean * factor * 0.5 }, { load: again(cpu) }, 180 * minute);
      expect([factor, turns(changes)]).toEqual([factor, 0]);
      expect(changes.filter(({ atMs }) => atMs > 60 * minute)).toEqual([]);
    }
  });
});
