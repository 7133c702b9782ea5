import { z } from 'zod';
import { duration, positiveDuration, wholeNumber } from './schema-parts.js';
import type { RestartSpec } from './service-spec.js';

const policy = z.enum(['never', 'on-failure', 'always', 'unless-stopped']);

export const restartFields = {
  policy: policy.prefault('never').describe('When an exit that nobody asked for is followed by a start.'),
  delay: duration().prefault('1s').describe('The wait before a restart after a short run; doubles every time.'),
  max_delay: duration().prefault('60s').describe('The longest wait.'),
  window: positiveDuration().prefault('60s').describe('A run of this length makes the next restart immediate and forgets earlier ones.'),
  max_restarts: wholeNumber(0, 1_000_000).optional().describe('So many restarts within `window` end in state failed; no limit by default.'),
};

export const restartSchema = z.union([
  policy,
  z.strictObject(restartFields).refine((restart) => restart.delay <= restart.max_delay, { path: ['max_delay'], error: 'is shorter than delay' }),
]);

export function normaliseRestart(restart: z.output<typeof restartSchema> | undefined): RestartSpec {
  if (restart === undefined || typeof restart === 'string') {
    return { policy: restart ?? 'never', delayMs: 1000, maxDelayMs: 60_000, windowMs: 60_000, maxRestarts: null };
  }
  const { delay, max_delay, window, max_restarts } = restart;
  return { policy: restart.policy, delayMs: delay, maxDelayMs: max_delay, windowMs: window, maxRestarts: max_restarts ?? null };
}
