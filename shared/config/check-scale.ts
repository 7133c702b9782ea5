import { memoryThresholdBytes } from './scale.js';
import type { ProblemList } from './problem-list.js';
import { pathOf, spanOf, type ServiceDraft } from './service-draft.js';

/** What `scale` can get wrong together with the rest of its service. */
export function checkScale(draft: ServiceDraft, problems: ProblemList): void {
  const { scale, limits } = draft.config;
  // Of a limit that is wrong nobody can tell.
  if (scale === undefined || draft.wrong.has('limits')) return;
  for (const key of ['memory_up', 'memory_down'] as const) {
    const threshold = scale[key];
    if (threshold === undefined || 'bytes' in threshold || limits?.memory !== undefined) continue;
    problems.add({
      span: spanOf(draft, ['scale', key]),
      path: pathOf(draft, ['scale', key]),
      code: 'INVALID_VALUE',
      message: `scale.${key} of service ${draft.name} is a share of limits.memory, which it does not have.`,
      expected: 'a size such as 400MB, or limits: {memory: …} in the service',
    });
  }
  const up = memoryThresholdBytes(scale.memory_up, limits?.memory);
  const down = memoryThresholdBytes(scale.memory_down, limits?.memory);
  if (up === null || down === null || down < up) return;
  problems.add({
    span: spanOf(draft, ['scale', 'memory_down']),
    path: pathOf(draft, ['scale', 'memory_down']),
    code: 'INVALID_VALUE',
    message: `scale.memory_down of service ${draft.name} must be less than memory_up.`,
  });
}
