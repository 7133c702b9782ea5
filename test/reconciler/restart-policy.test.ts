import { describe, expect, it } from '@jest/globals';
import type { RestartSpec } from '../../shared/config/service-spec.js';
import { decideRestart, noHistory, type RestartHistory } from '../../daemon/reconciler/restart-policy.js';
import type { ExitResult } from '../../daemon/runner/runner.js';

const spec = (over: Partial<RestartSpec> = {}): RestartSpec => ({ policy: 'always', delayMs: 1_000, maxDelayMs: 60_000, windowMs: 60_000, maxRestarts: null, ...over });
const code = (value: number): ExitResult => ({ kind: 'code', code: value });
const killed: ExitResult = { kind: 'signal', signal: 'SIGKILL' };
const unknown: ExitResult = { kind: 'unknown', reason: 'the shim was killed' };

function delaysOf(runs: readonly number[], policy: RestartSpec): (number | string)[] {
  let history: RestartHistory = noHistory;
  let now = 0;
  return runs.map((uptimeMs) => {
    now += uptimeMs;
    const decision = decideRestart(policy, code(1), uptimeMs, history, now);
    if (decision.kind !== 'restart') return decision.kind;
    history = decision.history;
    now += decision.delayMs;
    return decision.delayMs;
  });
}

describe('decideRestart', () => {
  it.each([
    ['never', code(0), 'complete'],
    ['never', code(1), 'fail'],
    ['never', killed, 'fail'],
    ['never', unknown, 'fail'],
    ['on-failure', code(0), 'complete'],
    ['on-failure', code(1), 'restart'],
    ['on-failure', killed, 'restart'],
    ['on-failure', unknown, 'restart'],
    ['always', code(0), 'restart'],
    ['unless-stopped', code(0), 'restart'],
  ] as const)('with policy %s and exit %o: %s', (policy, exit, kind) => {
    expect(decideRestart(spec({ policy }), exit, 5_000, noHistory, 5_000).kind).toBe(kind);
  });

  it('restarts at once after a run of the window', () => {
    expect(decideRestart(spec(), killed, 60_000, noHistory, 60_000)).toMatchObject({ kind: 'restart', delayMs: 0 });
  });

  it('doubles the delay with each short run in a row, up to the largest, and begins anew after a long run', () => {
    expect(delaysOf([10, 10, 10, 10, 10, 10, 10, 10, 60_000, 10], spec())).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 0, 1_000]);
  });

  it('gives up after max_restarts within the window', () => {
    expect(delaysOf([10, 10, 10, 10], spec({ maxRestarts: 3, delayMs: 0 }))).toEqual([0, 0, 0, 'fail']);
  });

  it('does not count restarts that are older than the window', () => {
    expect(delaysOf([10, 10, 60_500, 10, 60_500], spec({ maxRestarts: 2, delayMs: 0 }))).toEqual([0, 0, 0, 0, 0]);
  });

  it('never overflows, however long a crash loop lasts', () => {
    expect(delaysOf(Array<number>(2_000).fill(1), spec()).at(-1)).toBe(60_000);
  });

  it('says in a sentence what it decided and why', () => {
    const decision = decideRestart(spec(), code(3), 4_000, noHistory, 4_000);
    expect(decision.why).toBe('exited with code 3 after only 4 s: restarting in 1 s');
  });
});
