import { nodeAt, spanAt, type ConfigNode } from './config-node.js';
import { timingKeys } from './healthcheck.js';
import type { ProblemList } from './problem-list.js';

/**
 * `interval` and its like may stand in the block of a health check or beside `type`, but not in both. Looks at what was
 * written: the service's defaults, which go into the block, are no second word.
 */
export function checkTimingIsSaidOnce(service: string, written: ConfigNode, problems: ProblemList): void {
  const field = nodeAt(written, ['healthcheck']);
  if (field === null) return;
  const checks = field.kind === 'list' ? field.items.map((_item, index) => ['healthcheck', index]) : [['healthcheck']];
  for (const path of checks) {
    const type = nodeAt(written, [...path, 'type']);
    if (type?.kind !== 'scalar') continue;
    for (const key of timingKeys) {
      const beside = [...path, key];
      if (nodeAt(written, beside) === null || nodeAt(written, [...path, String(type.value), key]) === null) continue;
      problems.add({
        span: spanAt(written, beside, 'key'),
        path: ['services', service, ...beside],
        code: 'CONFLICT',
        message: `The ${type.value} health check of service ${service} says ${key} twice: beside type and under ${type.value}.`,
        expected: `${key} in one of the two places`,
      });
    }
  }
}
