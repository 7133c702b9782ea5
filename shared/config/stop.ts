import { constants } from 'node:os';
import { z } from 'zod';
import { duration } from './schema-parts.js';
import type { StopSpec } from './service-spec.js';

const signals = Object.keys(constants.signals) as NodeJS.Signals[];

export const stopSchema = z.strictObject({
  signal: z.enum(signals).prefault('SIGTERM').describe('The signal that asks the service to stop.'),
  grace: duration().prefault('10s').describe('How long it may take before SIGKILL.'),
});

export function normaliseStop(stop: z.output<typeof stopSchema> | undefined): StopSpec {
  return { signal: stop?.signal ?? 'SIGTERM', graceMs: stop?.grace ?? 10_000 };
}
