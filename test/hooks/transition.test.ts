import { describe, expect, it } from '@jest/globals';
import { afterFailure } from '../../daemon/hooks/after-failure.js';
import { longestMs, type HookCounts } from '../../daemon/hooks/hook-steps.js';
import { decideMove, isOvertaken, type Transition, type TransitionFacts } from '../../daemon/hooks/transition.js';
import { withoutSecrets } from '../../daemon/hooks/without-secrets.js';
import type { HookStep } from '../../shared/config/service-spec.js';
import { seededRandom } from '../support/seeded-random.js';

const facts = (over: Partial<TransitionFacts> = {}): TransitionFacts => ({ wanted: 'up', mayStart: true, ready: false, over: false, gone: true, stuck: false, ...over });
const counts: HookCounts = { 'pre-up': 2, 'post-up': 1, 'pre-down': 1, 'post-down': 1 };
const none: HookCounts = { 'pre-up': 0, 'post-up': 0, 'pre-down': 0, 'post-down': 0 };
const at = (phase: 'pre-up' | 'post-up' | 'pre-down' | 'post-down', step = 0): Transition => ({ phase, step });
const enter = (transition: Transition) => ({ do: 'enter', transition });
const comingUp: Transition = { phase: 'coming-up' };
const goingDown: Transition = { phase: 'going-down' };

describe('decideMove', () => {
  it.each([
    ['waits before its first hook for what it depends on', at('pre-up'), facts({ mayStart: false }), { do: 'wait' }],
    ['and before the next one, which may need it as well', at('pre-up', 1), facts({ mayStart: false }), { do: 'wait' }],
    ['runs step by step', at('pre-up', 1), facts(), { do: 'run', hook: 'pre-up', step: 1 }],
    ['starts after the last', at('pre-up', 2), facts(), enter(comingUp)],
    ['waits until all is ready', comingUp, facts({ gone: false }), { do: 'wait' }],
    ['goes on once it is', comingUp, facts({ ready: true, gone: false }), enter(at('post-up'))],
    ['is done when it failed by itself', comingUp, facts({ over: true }), { do: 'rest', up: false }],
    ['is up after the last hook', at('post-up', 1), facts({ ready: true, gone: false }), { do: 'rest', up: true }],
    ['a stop before anything was started needs no hooks', at('pre-up', 1), facts({ wanted: 'down' }), { do: 'rest', up: false }],
    ['a stop during the start is a stop', comingUp, facts({ wanted: 'down', gone: false }), enter(at('pre-down'))],
    ['a stop during the last hook, too', at('post-up'), facts({ wanted: 'down', gone: false }), enter(at('pre-down'))],
    ['runs what is before the stop', at('pre-down'), facts({ wanted: 'down', gone: false }), { do: 'run', hook: 'pre-down', step: 0 }],
    ['then stops', at('pre-down', 1), facts({ wanted: 'down', gone: false }), enter(goingDown)],
    ['waits until nothing is left', goingDown, facts({ wanted: 'down', gone: false }), { do: 'wait' }],
    ['then runs what is after it', goingDown, facts({ wanted: 'down' }), enter(at('post-down'))],
    ['never says down while something is left', goingDown, facts({ wanted: 'down', gone: false, stuck: true }), { do: 'rest', up: true }],
    ['is down', at('post-down', 1), facts({ wanted: 'down' }), { do: 'rest', up: false }],
    ['comes up again where it is still wanted', at('post-down', 1), facts(), enter(at('pre-up'))],
  ])('%s', (_what, transition, given, expected) => {
    expect(decideMove(transition, counts, given)).toEqual(expected);
  });

  it('passes phases without hooks', () => {
    expect(decideMove(at('pre-up'), none, facts())).toEqual(enter(comingUp));
    expect(decideMove(comingUp, none, facts({ ready: true, gone: false }))).toEqual({ do: 'rest', up: true });
    expect(decideMove(at('pre-down'), none, facts({ gone: false }))).toEqual(enter(goingDown));
    expect(decideMove(goingDown, none, facts())).toEqual(enter(at('pre-up')));
    expect(decideMove(goingDown, none, facts({ wanted: 'down' }))).toEqual({ do: 'rest', up: false });
    // A configuration that has fewer steps than when the transition began.
    expect(decideMove(at('post-up', 7), counts, facts({ ready: true }))).toEqual({ do: 'rest', up: true });
  });

  it('whatever is wanted in between: each hook runs whole and in order, and it ends as wanted', () => {
    const random = seededRandom(4);
    for (let round = 0; round < 2_000; round += 1) {
      let wanted: 'up' | 'down' = random() < 0.5 ? 'up' : 'down';
      let transition: Transition | null = random() < 0.5 ? at('pre-up') : at('pre-down');
      let alive = transition.phase === 'pre-down';
      const ran: string[] = [];
      for (let moves = 0; transition !== null; moves += 1) {
        expect(moves).toBeLessThan(200);
        if (moves < 20 && random() < 0.2) wanted = random() < 0.5 ? 'up' : 'down';
        if (transition.phase === 'coming-up') alive = true;
        if (transition.phase === 'going-down') alive = false;
        const now = facts({ wanted, ready: alive, gone: !alive });
        const move = decideMove(transition, counts, now);
        if (move.do === 'wait') throw new Error('nothing was to wait for');
        if (move.do === 'run') {
          expect(isOvertaken(transition, now)).toBe(false);
          ran.push(`${move.hook}${move.step}`);
          transition = at(move.hook, move.step + 1);
        } else if (move.do === 'enter') transition = move.transition;
        else {
          expect(move.up).toBe(alive);
          expect(move.up).toBe(wanted === 'up');
          transition = null;
        }
      }
      // No step without the one before it, no going down without its hook, no start without its.
      ran.forEach((step, index) => {
        if (step === 'pre-up1') expect(ran[index - 1]).toBe('pre-up0');
        if (step === 'post-down0') expect(ran[index - 1]).toBe('pre-down0');
        if (step === 'post-up0') expect(ran[index - 1]).toBe('pre-up1');
      });
    }
  });
});

const command = (over: Partial<Extract<HookStep, { kind: 'run' }>> = {}): HookStep => ({
  kind: 'run', runner: { type: 'script', run: 'x', workingDir: '/', shell: '/bin/sh' }, timeoutMs: 1_000, onFailure: 'abort', retries: 2, retryDelayMs: 100, environment: {}, ...over,
});

describe('afterFailure', () => {
  it('does what the step says, and after the last attempt what is usual', () => {
    expect(afterFailure(command(), 'pre-up', 1)).toEqual({ follows: 'abort' });
    expect(afterFailure(command({ onFailure: 'warn' }), 'pre-up', 1)).toEqual({ follows: 'warn' });
    const retry = command({ onFailure: 'retry' });
    expect([1, 2].map((attempt) => afterFailure(retry, 'pre-up', attempt))).toEqual([{ follows: 'retry', inMs: 100 }, { follows: 'retry', inMs: 100 }]);
    expect(afterFailure(retry, 'post-up', 3)).toEqual({ follows: 'abort' });
    expect(afterFailure(retry, 'post-down', 3)).toEqual({ follows: 'warn' });
  });

  it('is bounded in time', () => {
    const hooks = { preUp: [command({ onFailure: 'retry' }), command()], postUp: [], preDown: [{ kind: 'parallel', steps: [command()], timeoutMs: 70, onFailure: 'warn' } as const], postDown: [] };
    expect(longestMs(hooks)).toBe(3 * 1_000 + 2 * 100 + 1_000 + 70);
  });
});

describe('withoutSecrets', () => {
  const daemon = { HOME: '/home/somebody' };
  it('leaves out what the command was given, and nothing else', () => {
    const environment = { ...daemon, TOKEN: 'abcdefgh', URL: 'http://u:abcdefgh@host', PORT: '20001', MODE: 'dev', KEY: '-----BEGIN-----\nMIIEvAIBAD\n-----END-----', HIVE_SERVICE_FQN: 'app:web' };
    expect(withoutSecrets('at /home/somebody: http://u:abcdefgh@host abcdefgh 20001 dev app:web', environment, daemon)).toBe('at /home/somebody: *** *** 20001 dev app:web');
    expect(withoutSecrets('key MIIEvAIBAD', environment, daemon)).toBe('key ***');
    expect(withoutSecrets(`\u001b[31mred\u001b[0m\tand ${'x'.repeat(1_000)}`, {}, {})).toMatch(/^red and x+…$/);
  });
});
