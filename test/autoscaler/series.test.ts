import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../support/seeded-random.js';
import { defaultScale, lastCount, minute, second, simulate, times, turns, type World } from './simulation.js';

const constant = (cores: number): World => ({ load: () => cores });
const hour = 60 * minute;

describe('a step of the load', () => {
  it.each([0.85, 1, 2, 3.9, 6])('to %d cores is answered within window, check and cooldown, and then no more', (cores) => {
    const at = 10 * minute;
    const changes = simulate({}, { load: (now) => (now < at ? 0.1 : cores) }, 3 * hour);
    expect(changes.length).toBeGreaterThan(0);
    expect(turns(changes)).toBe(0);
    expect((changes[0]?.atMs ?? Infinity) - at).toBeLessThanOrEqual(times.windowMs + times.checkMs);
    // At the end each instance is at cpu_up or below, and no instance is there for nothing.
    expect(cores / lastCount(changes)).toBeLessThanOrEqual(defaultScale.cpuUp);
    expect(cores / (lastCount(changes) - 1)).toBeGreaterThan(defaultScale.cpuUp);
  });

  it('is answered in proportion: six cores of work are not met one by one', () => {
    const changes = simulate({}, constant(6), hour);
    expect(changes).toMatchObject([{ from: 1, to: 8 }]);
  });

  it('is answered also where an instance cannot show more than one core', () => {
    const changes = simulate({}, { load: () => 6, mostPerInstance: 1 }, hour);
    expect(turns(changes)).toBe(0);
    expect(lastCount(changes)).toBe(8);
    // 1, 2, 3, 4, 5, 7, 8: each step within window, check and cooldown of the one before.
    expect(changes.at(-1)?.atMs).toBeLessThanOrEqual(7 * (times.windowMs + 2 * times.checkMs));
  });

  it('down is answered slowly, by halves at most, and ends at min', () => {
    const at = 20 * minute;
    const changes = simulate({ instances: 8, min: 2 }, { load: (now) => (now < at ? 5 : 0.01) }, 2 * hour);
    expect(changes.map(({ from, to }) => [from, to])).toEqual([[8, 4], [4, 2]]);
    const first = (changes[0]?.atMs ?? 0) - at;
    expect(first).toBeGreaterThanOrEqual(defaultScale.cooldownDownMs);
    expect(first).toBeLessThanOrEqual(defaultScale.cooldownDownMs + times.windowMs + times.checkMs);
    const between = (changes[1]?.atMs ?? 0) - (changes[0]?.atMs ?? 0);
    expect(between).toBeLessThanOrEqual(defaultScale.cooldownDownMs + times.windowMs + times.checkMs);
  });
});

describe('what is no change of the load', () => {
  it.each([1, 8, 64])('one spike of %d cores does nothing, up or down', (cores) => {
    for (let at = 0; at < 10 * minute; at += times.everyMs) {
      expect(simulate({ instances: 2, min: 1 }, { load: (now) => (now === 10 * minute + at ? cores : 0.8) }, hour)).toEqual([]);
    }
  });

  it('two dips to nothing in a row take nothing away', () => {
    const dips = (now: number): boolean => Math.floor(now / times.everyMs) % 12 < 2;
    expect(simulate({ instances: 4 }, { load: (now) => (dips(now) ? 0 : 2) }, 2 * hour)).toEqual([]);
  });

  it('a load that comes and goes by the half window makes no turns', () => {
    for (const period of [10, 20, 30, 60, 90, 120]) {
      const world: World = { load: (now) => ((now / second) % period < period / 2 ? 1.5 : 0) };
      expect(turns(simulate({ instances: 2 }, world, 6 * hour))).toBeLessThanOrEqual(1);
    }
  });

  it('a burst every four minutes keeps the instances that it needs', () => {
    const changes = simulate({}, { load: (now) => ((now / minute) % 4 < 1.5 ? 3 : 0.02) }, 6 * hour);
    expect(turns(changes)).toBe(0);
  });
});

describe('ramps', () => {
  it('up and down again make one turn', () => {
    const load = (now: number): number => 0.1 + 5 * Math.max(0, 1 - Math.abs(now - 3 * hour) / (2 * hour));
    const changes = simulate({}, { load }, 8 * hour);
    expect(turns(changes)).toBe(1);
    expect(lastCount(changes)).toBe(1);
    expect(Math.max(...changes.map(({ to }) => to))).toBeGreaterThanOrEqual(6);
  });

  it('a day and a night make one turn a half day', () => {
    const load = (now: number): number => 2.1 - 2 * Math.cos((2 * Math.PI * now) / (24 * hour));
    const changes = simulate({}, { load }, 3 * 24 * hour);
    expect(turns(changes)).toBe(5);
  });
});

describe('whatever the load, thresholds and figures are', () => {
  const runs = 40;
  const random = seededRandom(20_261_122);
  const between = (low: number, high: number): number => low + random() * (high - low);

  it(`under a constant load with noise of a tenth the number moves one way and comes to rest (${runs} series)`, () => {
    for (let run = 0; run < runs; run += 1) {
      const cpuUp = between(0.2, 1);
      const scale = { cpuUp, cpuDown: between(0, cpuUp * 0.99), min: 1, max: 1 + Math.floor(random() * 30), instances: 1, cooldownUpMs: between(0, 2 * minute), cooldownDownMs: between(0, 10 * minute) };
      scale.instances = 1 + Math.floor(random() * scale.max);
      const cores = between(0, 8);
      const world: World = { load: () => cores * between(0.9, 1.1), idleCpu: between(0, 0.1), mostPerInstance: random() < 0.5 ? Infinity : between(1, 4), startMs: between(0, 2 * minute) };
      const changes = simulate(scale, world, 4 * hour);
      expect([turns(changes), scale, changes, cores]).toEqual([0, scale, changes, cores]);
      expect(changes.filter(({ atMs }) => atMs > 3 * hour)).toEqual([]);
    }
  });

  it(`it stays within min and max, keeps its cooldowns, and is deaf to figures that cannot be (${runs} series)`, () => {
    const odd = [NaN, -1, Infinity, -Infinity, 1e9, 1e308];
    for (let run = 0; run < runs; run += 1) {
      const min = 1 + Math.floor(random() * 4);
      const max = min + Math.floor(random() * 8);
      const scale = { min, max, instances: 1 + Math.floor(random() * 14), memoryUpBytes: random() < 0.5 ? null : 2 ** 28, memoryDownBytes: null, cooldownUpMs: between(0, 3 * minute), cooldownDownMs: between(0, 6 * minute) };
      let level = 0;
      const world: World = {
        load: (now) => {
          if (now % minute === 0) level = between(0, 12);
          return level;
        },
        memory: () => between(0, 2 ** 29),
        tamper: (figures) => {
          if (random() < 0.1) return null;
          const id = [...figures.keys()][Math.floor(random() * figures.size)] ?? '';
          if (random() < 0.1) figures.delete(id);
          if (random() < 0.1) figures.set(id, { cpu: odd[Math.floor(random() * odd.length)] ?? NaN, memoryBytes: 1 });
          if (random() < 0.05) figures.set('app:web#999', { cpu: 99, memoryBytes: 1 });
          return figures;
        },
      };
      const changes = simulate(scale, world, 4 * hour);
      for (const [index, { atMs, to, from }] of changes.entries()) {
        expect(to).toBeGreaterThanOrEqual(min);
        expect(to).toBeLessThanOrEqual(max);
        const before = changes[index - 1];
        if (before === undefined) continue;
        expect(atMs - before.atMs).toBeGreaterThanOrEqual(to > from ? scale.cooldownUpMs : scale.cooldownDownMs);
      }
    }
  });

  it('with nothing but odd figures, or none, or those of too few instances, it holds', () => {
    for (const tamper of [
      () => null,
      (figures: Map<string, { cpu: number; memoryBytes: number }>) => { figures.delete('app:web#2'); return figures; },
      (figures: Map<string, { cpu: number; memoryBytes: number }>) => new Map([...figures.keys()].map((id) => [id, { cpu: NaN, memoryBytes: 1 }])),
      (figures: Map<string, { cpu: number; memoryBytes: number }>) => new Map([...figures.keys()].map((id) => [id, { cpu: 1, memoryBytes: -1 }])),
      // Every second sample is lost.
      (figures: Map<string, { cpu: number; memoryBytes: number }>, now: number) => ((now / times.everyMs) % 2 === 0 ? null : figures),
    ]) {
      expect(simulate({ instances: 2 }, { load: () => 9, tamper }, 2 * hour)).toEqual([]);
      expect(simulate({ instances: 2 }, { load: () => 0, tamper }, 2 * hour)).toEqual([]);
    }
  });

  it('after a gap it takes the load up within window, check and the share that a decision needs', () => {
    const end = 40 * minute;
    const changes = simulate({}, { load: () => 2, tamper: (figures, now) => (now < end ? null : figures) }, 2 * hour);
    expect(changes).toMatchObject([{ to: 3 }]);
    expect((changes[0]?.atMs ?? 0) - end).toBeLessThanOrEqual(times.windowMs + times.checkMs);
  });
});
