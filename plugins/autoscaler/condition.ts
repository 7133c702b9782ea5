import type { Service } from '../../shared/client/index.js';
import type { Condition } from './decide.js';
import { instances } from './words.js';

/** Whether the figures of a service tell what it needs. */
export function conditionOf(service: Service): Condition {
  const { wanted, scale } = service;
  if (wanted === 'down') return { kind: 'untouchable', why: 'it is wanted down' };
  const present = service.instances.length;
  const sound = service.instances.filter(({ state, healthy }) => state === 'running' && healthy !== false).length;
  const expected = scale?.instances ?? present;
  // More than are wanted: some are on their way out, or a deploy brings new ones beside the old.
  if (present > expected) return { kind: 'unsettled', why: `${present - expected} more than the ${instances(expected)} that are wanted ${present - expected === 1 ? 'is' : 'are'} there: they are stopping, or a deploy is under way` };
  if (sound < expected) return { kind: 'unsettled', why: `${sound} of ${instances(expected)} ${sound === 1 ? 'runs' : 'run'} and ${sound === 1 ? 'is' : 'are'} healthy` };
  return { kind: 'settled' };
}
