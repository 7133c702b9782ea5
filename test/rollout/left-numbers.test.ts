import { describe, expect, it } from '@jest/globals';
import { leftBy } from '../../daemon/rollout/left-numbers.js';
import { planRollout } from '../../daemon/rollout/rollout-plan.js';
import type { RolloutRecord } from '../../daemon/rollout/rollout-records.js';
import type { RolloutSpec } from '../../shared/config/service-spec.js';

const blueGreen: RolloutSpec = { type: 'blue-green', ports: {}, healthyDurationMs: 1_000, timeoutMs: 60_000, onFailure: 'keep-old' };
const rolling: RolloutSpec = { type: 'rolling', ports: {}, maxUnavailable: 0, maxSurge: 1, onFailure: 'keep-old' };

function recordOf(rollout: RolloutSpec, present: readonly number[], at: number, serving: readonly number[], outcome: RolloutRecord['outcome'] = 'running'): RolloutRecord {
  return { plan: planRollout(rollout, present, present.length), at, outcome, why: null, serving, specHash: 'new', before: null };
}

describe('what a daemon that was killed in a rollout left', () => {
  it('before the switch, the new colour is arriving', () => {
    expect(leftBy(recordOf(blueGreen, [1, 3], 2, [1, 3]))).toMatchObject({ isUnderWay: true, serving: [1, 3], arriving: [2, 4], leaving: [], fresh: [2, 4] });
  });

  it('after the switch, the old colour is leaving and may still have requests', () => {
    expect(leftBy(recordOf(blueGreen, [1, 3], 4, [2, 4]))).toMatchObject({ serving: [2, 4], arriving: [], leaving: [1, 3], fresh: [2, 4] });
  });

  it('in the middle of a rolling deploy, only the one that was replaced is leaving', () => {
    const steps = planRollout(rolling, [1, 2], 2).steps.map((step) => step.do);
    const at = steps.indexOf('stop');
    expect(leftBy(recordOf(rolling, [1, 2], at, [2, 3]))).toMatchObject({ serving: [2, 3], arriving: [], leaving: [1], fresh: [3] });
  });

  it('what was stopped first and started again is arriving, and not leaving', () => {
    expect(leftBy(recordOf(blueGreen, [1, 2], 1, [1]))).toMatchObject({ arriving: [], leaving: [2] });
    expect(leftBy(recordOf(blueGreen, [1, 2], 3, [1]))).toMatchObject({ arriving: [2, 4], leaving: [], fresh: [2, 4] });
  });

  it('once it is over, nobody arrives or leaves', () => {
    expect(leftBy(recordOf(rolling, [1, 2], 4, [2, 3], 'failed'))).toMatchObject({ isUnderWay: false, arriving: [], leaving: [], fresh: [3] });
  });
});
