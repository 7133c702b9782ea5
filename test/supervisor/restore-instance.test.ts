import { describe, expect, it } from '@jest/globals';
import type { InstanceState } from '../../daemon/reconciler/instance-state.js';
import { noHistory } from '../../daemon/reconciler/restart-policy.js';
import type { InstanceExit, RunningInstance } from '../../daemon/runner/runner.js';
import type { InstanceRecord } from '../../daemon/supervisor/instance-records.js';
import { restoreInstance, type Found } from '../../daemon/supervisor/restore-instance.js';

const ref = { source: 'a', service: 's', number: 1 };
const process: RunningInstance = { ref, incarnation: 'one', pid: 5, startedAt: new Date(1_000) };
const living: Found = { kind: 'living', process };
const end: InstanceExit = { ref, incarnation: 'one', pid: 5, exit: { kind: 'code', code: 7 }, at: new Date(6_000), startedAt: new Date(1_000) };
const exited: Found = { kind: 'exited', exit: end, lastLines: ['bye'] };
const nothing: Found = { kind: 'nothing' };
const boot = 'this-boot';

const record = (state: InstanceState, over: Partial<InstanceRecord> = {}): InstanceRecord => ({ boot, state, history: noHistory, restarts: 2, startedAt: null, startedAtMs: null, runHash: null, lastExit: null, ...over });
const running: InstanceState = { kind: 'running', process, healthy: true, detail: null };

describe('restoreInstance', () => {
  it('adopts what lives, with its health, and posts nothing', () => {
    expect(restoreInstance(record(running), living, 'up', boot)).toMatchObject({ adopted: true, state: running, events: [] });
  });

  it('adopts what lives although state.db is gone', () => {
    expect(restoreInstance(undefined, living, 'up', boot)).toMatchObject({ adopted: true, state: { kind: 'running', process }, events: [] });
  });

  it('tells the start of an incarnation whose start was not told yet', () => {
    expect(restoreInstance(record({ kind: 'starting', incarnation: 'one' }), living, 'up', boot)).toMatchObject({ adopted: true, state: { kind: 'starting' }, events: [{ kind: 'launched' }] });
  });

  it('stops what lives and is wanted down by now', () => {
    expect(restoreInstance(record(running), living, 'down', boot).events).toEqual([{ kind: 'stop' }]);
  });

  it('replays an exit exactly, with the uptime it had', () => {
    expect(restoreInstance(record(running), exited, 'up', boot).events).toEqual([{ kind: 'exited', incarnation: 'one', exit: end.exit, uptimeMs: 5_000, lastLines: ['bye'] }]);
  });

  it('does not replay an end that was told before', () => {
    const backoff: InstanceState = { kind: 'backoff', untilMs: 99, why: 'exited' };
    expect(restoreInstance(record(backoff), exited, 'up', boot)).toMatchObject({ state: backoff, events: [], forget: 'one' });
  });

  it('finishes a stop that the daemon did not live to see', () => {
    const stopping: InstanceState = { kind: 'stopping', incarnation: 'one', launching: false, purpose: { kind: 'down' } };
    for (const found of [exited, nothing]) {
      expect(restoreInstance(record(stopping), found, 'down', boot)).toMatchObject({ state: stopping, events: [], stopAgain: 'one' });
    }
    // Wanted up again before the end of the stop, and killed before that was part of its story.
    for (const found of [exited, nothing]) expect(restoreInstance(record(stopping), found, 'up', boot)).toMatchObject({ state: { purpose: { kind: 'restart' } }, stopAgain: 'one' });
    expect(restoreInstance(record(stopping), living, 'down', boot).events).toEqual([{ kind: 'stop' }]);
  });

  it('keeps what is over, failed or backing off as it was, within one boot', () => {
    for (const state of [{ kind: 'completed' }, { kind: 'failed', why: 'x', code: null, leftover: null, survivors: [] }, { kind: 'backoff', untilMs: 9, why: 'x' }] as const) {
      expect(restoreInstance(record(state), nothing, 'up', boot)).toMatchObject({ state, events: [] });
    }
  });

  it('starts anew after a reboot, whatever the policy, and only what is wanted up', () => {
    for (const found of [nothing, exited]) {
      expect(restoreInstance(record(running, { boot: 'an-earlier-boot' }), found, 'up', boot)).toMatchObject({ state: { kind: 'stopped' }, events: [{ kind: 'start' }] });
      expect(restoreInstance(record(running, { boot: 'an-earlier-boot' }), found, 'down', boot).events).toEqual([]);
    }
  });

  it('calls an end that nobody saw unknown', () => {
    expect(restoreInstance(record(running), nothing, 'up', boot).events).toMatchObject([{ kind: 'exited', exit: { kind: 'unknown' } }]);
  });

  it('launches again what was about to be launched', () => {
    expect(restoreInstance(record({ kind: 'starting', incarnation: 'two' }), nothing, 'up', boot).events).toMatchObject([{ kind: 'start' }]);
    expect(restoreInstance(record({ kind: 'starting', incarnation: 'two' }), exited, 'up', boot)).toMatchObject({ forget: 'one', events: [{ kind: 'start' }] });
  });
});
