import { z } from 'zod';
import { size, wholeNumber } from './schema-parts.js';
import type { LogsSpec } from './service-spec.js';

const leastSize = 4096;

export const logsSchema = z.strictObject({
  max_size: size()
    .refine((bytes) => bytes >= leastSize, { error: 'must be at least 4KB' })
    .prefault('10MB')
    .describe('A log file of this size is rotated.'),
  max_files: wholeNumber(0, 10_000).prefault(10).describe('How many rotated files are kept.'),
});

export function normaliseLogs(logs: z.output<typeof logsSchema> | undefined): LogsSpec {
  return { maxSizeBytes: logs?.max_size ?? 10 * 2 ** 20, maxFiles: logs?.max_files ?? 10 };
}
