import { z } from 'zod';
import { size, wholeNumber } from './schema-parts.js';
import type { LimitsSpec } from './service-spec.js';

export const limitsSchema = z.strictObject({
  memory: size()
    .refine((bytes) => bytes > 0, { error: 'must be more than nothing' })
    .optional()
    .describe('Memory of one instance.'),
  cpu: z
    .preprocess((value) => (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value), z.number().positive().max(4096))
    .optional()
    .describe('Cores of one instance: 0.5 is half of one.'),
  open_files: wholeNumber(1, 100_000_000).optional().describe('Open files of one process.'),
});

export function normaliseLimits(limits: z.output<typeof limitsSchema> | undefined): LimitsSpec | null {
  if (limits === undefined) return null;
  return { memoryBytes: limits.memory ?? null, cpu: limits.cpu ?? null, openFiles: limits.open_files ?? null };
}
