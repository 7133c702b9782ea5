import { describe, expect, it } from '@jest/globals';
import type { RolloutSpec } from '../../shared/config/service-spec.js';
import { planRollout, type RolloutStep } from '../../daemon/rollout/rollout-plan.js';

const blueGreen: RolloutSpec = { type: 'blue-green', ports: {}, healthyDurationMs: 10_000, timeoutMs: 60_000, onFailure: 'keep-old' };
const rolling = (maxSurge: number, maxUnavailable: number): RolloutSpec => ({ type: 'rolling', ports: {}, maxSurge, maxUnavailable, onFailure: 'keep-old' });
const brief = (steps: readonly RolloutStep[]): string[] => steps.map((step) => `${step.do} ${step.numbers.join(',')}`);

describe('planRollout', () => {
  it('recreate: the same instances anew', () => {
    expect(brief(planRollout({ type: 'recreate', ports: {} }, [1, 2], 2).steps)).toEqual(['replace 1,2', 'awaitReady 1,2']);
  });

  it('blue-green: the other colour, then the switch, then the old one goes', () => {
    const first = planRollout(blueGreen, [1], 1);
    expect(first.color).toBe('green');
    expect(brief(first.steps)).toEqual(['start 2', 'awaitReady 2', 'hold 2', 'serve 2', 'stop 1']);
    expect(planRollout(blueGreen, [2], 1).color).toBe('blue');
    expect(brief(planRollout(blueGreen, [1, 3], 3).steps)).toEqual(['start 2,4,6', 'awaitReady 2,4,6', 'hold 2,4,6', 'serve 2,4,6', 'stop 1,3']);
  });

  it('blue-green: never stops what it has just started, also when an earlier deploy left both colours', () => {
    expect(brief(planRollout(blueGreen, [1, 2, 3, 4], 2).steps)).toEqual(['serve 1,3', 'stop 2,4', 'start 2,4', 'awaitReady 2,4', 'hold 2,4', 'serve 2,4', 'stop 1,3']);
  });

  it('hooks stand around all of it, and before the new instances serve for the first time', () => {
    const hooks = { steps: { 'pre-up': 2, 'post-up': 1, 'pre-down': 1, 'post-down': 1 }, longestMs: 5_000 };
    const told = (rollout: RolloutSpec, present: number[], count: number): string[] =>
      planRollout(rollout, present, count, hooks).steps.map((step) => (step.do === 'hook' ? `${step.hook}${step.step} ${step.numbers.join(',')}` : `${step.do} ${step.numbers.join(',')}`));
    expect(told(blueGreen, [1, 3], 2)).toEqual([
      'pre-up0 2', 'pre-up1 2', 'start 2,4', 'awaitReady 2,4', 'hold 2,4', 'post-up0 2', 'serve 2,4', 'pre-down0 1', 'stop 1,3', 'post-down0 1',
    ]);
    expect(told(rolling(1, 0), [1, 2], 2)).toEqual([
      'pre-up0 3', 'pre-up1 3', 'start 3', 'awaitReady 3', 'post-up0 3', 'serve 1,2,3', 'serve 2,3', 'pre-down0 1', 'stop 1',
      'start 4', 'awaitReady 4', 'serve 2,3,4', 'serve 3,4', 'stop 2', 'post-down0 1',
    ]);
    expect(told(rolling(0, 1), [1], 1)).toEqual(['pre-up0 2', 'pre-up1 2', 'serve ', 'pre-down0 1', 'stop 1', 'start 2', 'awaitReady 2', 'post-up0 2', 'serve 2', 'post-down0 1']);
    const [, wait] = planRollout({ type: 'recreate', ports: {} }, [1], 1, hooks).steps;
    expect(wait).toMatchObject({ do: 'awaitReady', withinMs: 65_000 });
  });

  it('rolling with surge: never fewer than before', () => {
    expect(brief(planRollout(rolling(1, 0), [1, 2], 2).steps)).toEqual([
      'start 3', 'awaitReady 3', 'serve 1,2,3', 'serve 2,3', 'stop 1',
      'start 4', 'awaitReady 4', 'serve 2,3,4', 'serve 3,4', 'stop 2',
    ]);
  });

  it('rolling without surge: old ones go first', () => {
    expect(brief(planRollout(rolling(0, 1), [1, 2], 2).steps)).toEqual([
      'serve 2', 'stop 1', 'start 3', 'awaitReady 3', 'serve 2,3',
      'serve 3', 'stop 2', 'start 4', 'awaitReady 4', 'serve 3,4',
    ]);
  });

  // Whatever the numbers: it ends with exactly the new ones, and never goes below or above what the strategy allows.
  it('rolling keeps its bounds for all small numbers', () => {
    for (let present = 0; present <= 5; present += 1) for (let count = 1; count <= 5; count += 1) for (let surge = 0; surge <= 3; surge += 1) for (let unavailable = 0; unavailable <= 3; unavailable += 1) {
      const old = Array.from({ length: present }, (_, index) => index + 1);
      const alive = new Set(old);
      const ready = new Set(old);
      let serving: readonly number[] = old;
      for (const step of planRollout(rolling(surge, unavailable), old, count).steps) {
        if (step.do === 'start') step.numbers.forEach((number) => alive.add(number));
        if (step.do === 'awaitReady') step.numbers.forEach((number) => ready.add(number));
        if (step.do === 'serve') serving = step.numbers;
        if (step.do === 'stop') step.numbers.forEach((number) => alive.delete(number));
        expect(serving.every((number) => ready.has(number) && alive.has(number))).toBe(true);
        expect(serving.length).toBeGreaterThanOrEqual(Math.min(present, count) - unavailable);
        expect(alive.size).toBeLessThanOrEqual(Math.max(present, count) + Math.max(1, surge));
      }
      expect([...alive].sort()).toEqual([...serving].sort());
      expect(alive.size).toBe(count);
      expect(old.some((number) => alive.has(number))).toBe(false);
    }
  });
});
