import { describe, expect, it } from '@jest/globals';
import { defaultTimings } from '../../shared/plugin/plugin-timings.js';
import { nextStep, type Effect, type Happening, type Life } from '../../plugin-host/plugin-life.js';
import { decideRestart } from '../../plugin-host/restart-policy.js';

const fresh: Life = { wanted: false, restarts: 0, unstableRuns: 0, at: { stage: 'stopped' } };

/** Runs happenings one after the other; `[ms]` lets time pass. */
function live(happenings: (Happening | [number])[], life = fresh): { life: Life; effects: Effect[]; last: readonly Effect[] } {
  let now = 0;
  const effects: Effect[] = [];
  let last: readonly Effect[] = [];
  for (const happening of happenings) {
    if (Array.isArray(happening)) { now += happening[0]; continue; }
    const step = nextStep(life, happening, { now, random: 0.5, timings: defaultTimings });
    ({ life, effects: last } = step);
    effects.push(...last);
  }
  return { life, effects, last };
}

const up: Happening[] = [{ type: 'want' }, { type: 'launched', pid: 7 }, { type: 'ready' }];
const exit = (code: number): Happening => ({ type: 'exited', code, signal: null });
const crashes = (count: number): Happening[] =>
  Array.from({ length: count }, () => [exit(1), { type: 'backoffOver' } as const, { type: 'launched', pid: 8 } as const]).flat();

describe('the life of a plugin', () => {
  it('goes from wanted to ready', () => {
    const { life, effects } = live(up);
    expect(life.at.stage).toBe('ready');
    expect(effects).toEqual([{ do: 'launch' }, { do: 'journal', event: { type: 'plugin.started', pid: 7 } }]);
  });

  it('waits longer after each unstable run, then is quarantined', () => {
    const { effects, life } = live([...up, ...crashes(4), exit(1)]);
    expect(effects.flatMap((effect) => (effect.do === 'wait' ? [effect.ms] : []))).toEqual([500, 1000, 2000, 4000]);
    expect(life.at).toEqual({ stage: 'quarantined', reason: 'It failed 5 times in a row; the last time it exited with code 1.' });
  });

  it('forgives after a run that was ready for a minute', () => {
    const { life, last } = live([...up, ...crashes(4), { type: 'ready' }, [60_000], exit(1)]);
    expect(life).toMatchObject({ unstableRuns: 0, at: { stage: 'backoff' } });
    expect(last).toContainEqual({ do: 'wait', ms: 500 });
  });

  it('counts a run that was up for a minute and never ready as unstable', () => {
    expect(live([{ type: 'want' }, { type: 'launched', pid: 1 }, [120_000], exit(0)]).life.unstableRuns).toBe(1);
  });

  it('lets a stop win over a start that is under way', () => {
    const { life, last } = live([{ type: 'want' }, { type: 'unwant' }, { type: 'launched', pid: 7 }]);
    expect(life).toMatchObject({ wanted: false, at: { stage: 'ending' } });
    expect(last).toEqual([{ do: 'journal', event: { type: 'plugin.started', pid: 7 } }, { do: 'end', how: 'ask' }]);
  });

  it('lets a stop win over a backoff', () => {
    const { life, last } = live([...up, exit(1), { type: 'unwant' }]);
    expect(life.at.stage).toBe('stopped');
    expect(last).toEqual([{ do: 'stopWaiting' }]);
  });

  it('starts again after a stop that was taken back', () => {
    const { life, last } = live([...up, { type: 'unwant' }, { type: 'want' }, exit(0)]);
    expect(life).toMatchObject({ at: { stage: 'launching' }, unstableRuns: 0 });
    expect(last).toEqual([{ do: 'journal', event: { type: 'plugin.stopped' } }, { do: 'launch' }]);
  });

  it('is out of quarantine, with a clean slate, only when somebody says so', () => {
    const quarantined: Life = { wanted: true, restarts: 4, unstableRuns: 5, at: { stage: 'quarantined', reason: 'x' } };
    expect(live([{ type: 'want' }, { type: 'unwant' }, { type: 'want' }], quarantined).life.at.stage).toBe('quarantined');
    expect(live([{ type: 'renew' }], quarantined).life).toEqual({ wanted: true, restarts: 5, unstableRuns: 0, at: { stage: 'launching' } });
  });

  it('does not try again what was refused', () => {
    const { life } = live([...up, { type: 'refused', reason: 'No.' }, exit(1)]);
    expect(life.at).toEqual({ stage: 'failed', reason: 'No.' });
  });

  it('heeds no news of a link whose process is gone', () => {
    const waiting = live([...up, exit(1)]).life;
    for (const type of ['ready', 'unresponsive', 'responsive', 'linkClosed'] as const) expect(live([{ type }], waiting)).toMatchObject({ life: waiting, last: [] });
  });

  it('counts the one that never answered, and the one that lost its link, as crashed', () => {
    expect(live([...up, { type: 'hopeless', reason: 'said nothing' }, exit(0)]).life.at).toEqual({ stage: 'backoff', reason: 'said nothing' });
    expect(live([...up, { type: 'linkClosed' }, exit(0)]).life).toMatchObject({ unstableRuns: 1, at: { stage: 'backoff' } });
  });
});

describe('the restart policy', () => {
  it('doubles up to a minute, a fifth either way', () => {
    const patient = { ...defaultTimings, quarantineAfter: 100 };
    const delay = (unstableRuns: number, random: number): number => {
      const decision = decideRestart({ readyForMs: null, unstableRuns }, patient, random);
      return decision.kind === 'restart' ? decision.delayMs : NaN;
    };
    expect([0, 1, 2, 6, 7, 8, 50].map((runs) => delay(runs, 0.5))).toEqual([500, 1000, 2000, 32_000, 60_000, 60_000, 60_000]);
    expect([delay(0, 0), delay(0, 0.999_999)]).toEqual([400, 600]);
  });
});
