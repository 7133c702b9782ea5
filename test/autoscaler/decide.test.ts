import { describe, expect, it } from '@jest/globals';
import { decide, type Condition, type Decision, type Memory, type Situation } from '../../plugins/autoscaler/decide.js';
import { measure, type Measured, type Sample } from '../../plugins/autoscaler/usage.js';
import { defaultScale, minute, second } from './simulation.js';

const MB = 2 ** 20;
const use = (cpu: number, memoryMB = 50): Measured => {
  const figures = { cpu, memoryBytes: memoryMB * MB };
  return { kind: 'known', usage: { sustained: figures, peaking: figures } };
};
const unknown: Measured = { kind: 'unknown', why: 'nobody looked' };
const settled: Condition = { kind: 'settled' };
const now = 60 * minute;
const long = { changedAtMs: 0, quiet: null };
const quiet = (instances: number) => ({ changedAtMs: 0, quiet: { sinceMs: now - 6 * minute, instances } });

function decided(scale: Partial<Situation['scale']>, measured: Measured, { condition = settled, memory = long }: { condition?: Condition; memory?: Memory } = {}): Decision {
  return decide({ nowMs: now, scale: { ...defaultScale, ...scale }, condition, measured, memory }).decision;
}

describe('a decision', () => {
  it.each<[string, Decision, Partial<Decision>]>([
    ['one busy core', decided({}, use(0.93)), { kind: 'scale', to: 2, why: 'CPU is at 93% of a core an instance, above 80%' }],
    ['four busy cores', decided({}, use(4)), { kind: 'scale', to: 5 }],
    ['more than max would need', decided({ max: 3 }, use(9)), { kind: 'scale', to: 3 }],
    ['busy at max', decided({ instances: 3, max: 3 }, use(0.9)), { kind: 'hold', cause: 'at limit', why: 'CPU is at 90% of a core an instance, above 80%, and it has its max of 3 instances' }],
    ['exactly at the threshold', decided({}, use(0.8)), { kind: 'hold', cause: 'enough' }],
    ['between the thresholds', decided({ instances: 2 }, use(0.5)), { kind: 'hold', cause: 'enough', why: 'CPU is at 50% of a core an instance (20% to 80%)' }],
    ['idle at min', decided({}, use(0)), { kind: 'hold', cause: 'enough', why: 'CPU is at 0% of a core an instance (20% to 80%), and min is 1' }],
    ['low, and fewer would not do', decided({ instances: 2, cpuDown: 0.6 }, use(0.5)), { kind: 'hold', cause: 'enough', why: 'CPU is at 50% of a core an instance (60% to 80%), and fewer would have too much to do' }],
    ['memory alone', decided({ instances: 2, memoryUpBytes: 400 * MB }, use(0.1, 500)), { kind: 'scale', to: 3, why: 'memory is at 500MB an instance, above 400MB' }],
    ['the needier of the two', decided({ instances: 2, memoryUpBytes: 400 * MB }, use(0.9, 1_000)), { kind: 'scale', to: 5, why: 'memory is at 1000MB an instance, above 400MB' }],
    ['memory that does not count', decided({ instances: 2 }, use(0.5, 100_000)), { kind: 'hold', cause: 'enough' }],
    ['memory of unknown figures', decided({ memoryUpBytes: 1 }, unknown), { kind: 'hold', cause: 'unmeasured', why: 'nobody looked' }],
    ['above max by now', decided({ instances: 7, max: 4 }, unknown), { kind: 'scale', to: 4, why: '7 instances are outside of 1 to 4' }],
    ['below min by now', decided({ instances: 1, min: 3 }, use(0), { condition: { kind: 'unsettled', why: 'x' } }), { kind: 'scale', to: 3 }],
    ['scaled to none by somebody', decided({ instances: 0 }, unknown), { kind: 'scale', to: 1 }],
    ['wanted down', decided({ instances: 7, max: 4 }, use(9), { condition: { kind: 'untouchable', why: 'it is wanted down' } }), { kind: 'hold', cause: 'untouchable', why: 'it is wanted down' }],
    ['one does not run', decided({}, use(9), { condition: { kind: 'unsettled', why: '1 of 2 runs' } }), { kind: 'hold', cause: 'unsettled', why: '1 of 2 runs' }],
  ])('%s', (_, decision, expected) => {
    expect(decision).toMatchObject(expected);
  });

  it('upwards waits for cooldown_up, and says how long', () => {
    const memory = { changedAtMs: now - 20 * second, quiet: null };
    expect(decided({}, use(0.9), { memory })).toEqual({ kind: 'hold', cause: 'cooling down', why: 'CPU is at 90% of a core an instance, above 80%; it was scaled 20s ago and may be again in 40s (cooldown_up)' });
    expect(decided({ cooldownUpMs: 20 * second }, use(0.9), { memory })).toMatchObject({ kind: 'scale', to: 2 });
  });

  it('downwards wants use to be low for cooldown_down, and keeps what the busiest moment of that time needed', () => {
    const scale = { ...defaultScale, instances: 8 };
    let memory: Memory = long;
    const at = (ms: number, cpu: number): Decision => {
      const step = decide({ nowMs: now + ms, scale, condition: settled, measured: use(cpu), memory });
      memory = step.memory;
      return step.decision;
    };
    expect(at(0, 0.01)).toMatchObject({ kind: 'hold', why: 'CPU is at 1% of a core an instance, below 20%; if it stays so for 5m more, 4 instances will do (cooldown_down)' });
    expect(at(minute, 0.15)).toMatchObject({ kind: 'hold', why: 'CPU is at 15% of a core an instance, below 20%; if it stays so for 4m more, 4 instances will do (cooldown_down)' });
    expect(at(2 * minute, 0.3)).toMatchObject({ kind: 'hold', cause: 'enough' });
    expect(at(3 * minute, 0.19)).toMatchObject({ kind: 'hold', cause: 'cooling down' });
    expect(at(7.9 * minute, 0.01)).toMatchObject({ kind: 'hold', cause: 'cooling down' });
    expect(at(8 * minute, 0.01)).toMatchObject({ kind: 'scale', to: 4, why: 'CPU is at 1% of a core an instance, below 20%, for 5m' });
  });

  it('downwards begins to wait anew after anything that is not known to be low', () => {
    for (const [measured, condition] of [[unknown, settled], [use(0), { kind: 'unsettled', why: 'x' }], [use(0.9), settled]] as const) {
      expect(decide({ nowMs: now, scale: { ...defaultScale, instances: 4 }, condition, measured, memory: quiet(2) }).memory.quiet).toBeNull();
    }
  });

  it('downwards keeps what memory needs, also where memory_down does not say so', () => {
    const scale = { instances: 4, memoryUpBytes: 400 * MB };
    expect(decided(scale, use(0.01, 50), { memory: quiet(2) })).toMatchObject({ kind: 'scale', to: 2 });
    expect(decided(scale, use(0.01, 300), { memory: quiet(2) })).toMatchObject({ kind: 'hold', why: 'CPU is at 1% of a core an instance (20% to 80%) and memory is at 300MB an instance (up to 400MB), and fewer would have too much to do' });
    expect(decided({ ...scale, memoryDownBytes: 100 * MB }, use(0.01, 120), { memory: quiet(2) })).toMatchObject({ kind: 'hold', cause: 'enough' });
    expect(decided({ ...scale, memoryDownBytes: 100 * MB }, use(0.01, 20), { memory: quiet(2) })).toMatchObject({ kind: 'scale', to: 2, why: 'CPU is at 1% of a core an instance, below 20% and memory is at 20MB an instance, below 100MB, for 6m' });
  });
});

describe('figures', () => {
  const window = { windowMs: minute, everyMs: 5 * second, nowMs: now, instances: ['web#1', 'web#2'] };
  const sample = (agoMs: number, one: number | undefined, two: number | undefined): Sample => ({
    atMs: now - agoMs,
    figures: new Map([['web#1', one], ['web#2', two]].flatMap(([id, cpu]) => (cpu === undefined ? [] : [[id as string, { cpu: cpu as number, memoryBytes: MB }]]))),
  });
  const steady = (cpu: number): Sample[] => Array.from({ length: 12 }, (_, index) => sample(55 * second - index * 5 * second, cpu, cpu));

  it('are averaged over instances and time, as mean and as median', () => {
    const samples = steady(0.2).map((each, index) => (index === 3 ? sample(now - each.atMs, 6, 0.2) : each));
    expect(measure({ samples, ...window })).toMatchObject({ kind: 'known', usage: { sustained: { cpu: expect.closeTo(0.2) as unknown }, peaking: { cpu: expect.closeTo(0.2 + 2.9 / 12) as unknown } } });
  });

  it.each<[string, Sample[], string]>([
    ['none', [], '0ms of the 45s that a decision needs are measured'],
    ['few', steady(1).slice(-8), '40s of the 45s that a decision needs are measured'],
    ['old', steady(1).map(({ atMs, figures }) => ({ atMs: atMs - 15 * second, figures })), 'its last figures are 15s old'],
    ['one instance too few', steady(1).map(({ atMs }) => sample(now - atMs, 1, undefined)), 'there are no figures of web#2 at the moment; 0ms of the 45s that a decision needs are measured'],
    ['nonsense', steady(1).map(({ atMs }) => sample(now - atMs, NaN, 1)), 'the figures of web#1 cannot be right; 0ms of the 45s that a decision needs are measured'],
    ['negative', steady(1).map(({ atMs }) => sample(now - atMs, -0.1, 1)), 'the figures of web#1 cannot be right; 0ms of the 45s that a decision needs are measured'],
    ['impossible', steady(1).map(({ atMs }) => sample(now - atMs, 1, 10_000)), 'the figures of web#2 cannot be right; 0ms of the 45s that a decision needs are measured'],
  ])('that are %s are not known', (_, samples, why) => {
    expect(measure({ samples, ...window })).toEqual({ kind: 'unknown', why });
  });

  it('of instances that are going do not count', () => {
    const samples = steady(0.5).map(({ atMs, figures }) => ({ atMs, figures: new Map([...figures, ['web#3', { cpu: NaN, memoryBytes: 9e9 }]]) }));
    expect(measure({ samples, ...window })).toMatchObject({ kind: 'known', usage: { peaking: { cpu: 0.5 } } });
  });
});
