import { z } from 'zod';
import { duration, percentage, wholeNumber } from './schema-parts.js';
import type { ScaleSpec } from './service-spec.js';
import { parsePercentage, parseSize } from './sizes.js';

export const mostInstances = 1000;

/** Memory of one instance: a share of `limits.memory`, or a size. */
export type MemoryThreshold = { readonly share: number } | { readonly bytes: number };

const memoryThreshold = () =>
  z
    .string({ error: (issue) => (typeof issue.input === 'number' ? 'has no unit: write a share of limits.memory such as 80%, or a size such as 400MB' : undefined) })
    .meta({ pattern: '^\\s*\\d+(\\.\\d+)?\\s*(%|B|[KMGT]i?B)\\s*$', examples: ['80%', '400MB'], title: 'percentage or size' })
    .transform((written, context): MemoryThreshold => {
      const isShare = written.trim().endsWith('%');
      const measured = isShare ? parsePercentage(written) : parseSize(written);
      if (measured.ok && measured.value > 0) return isShare ? { share: measured.value } : { bytes: measured.value };
      context.addIssue({ code: 'custom', message: measured.ok ? 'must be more than nothing' : measured.message });
      return z.NEVER;
    });

export const scaleSchema = z
  .strictObject({
    min: wholeNumber(1, mostInstances).prefault(1).describe('Never fewer instances than this.'),
    max: wholeNumber(1, mostInstances).prefault(10).describe('Never more instances than this.'),
    cpu_up: percentage().prefault('80%').describe('Average CPU use, of one core an instance, above which instances are added.'),
    cpu_down: percentage().prefault('20%').describe('Average CPU use below which instances are taken away.'),
    memory_up: memoryThreshold().optional().describe('Average memory of an instance, as a size or a share of limits.memory, above which instances are added.'),
    memory_down: memoryThreshold().optional().describe('Average memory of an instance below which instances may be taken away.'),
    cooldown_up: duration().prefault('60s').describe('The wait after scaling before scaling up.'),
    cooldown_down: duration().prefault('5m').describe('The wait after scaling before scaling down, and how long use must have been low for it.'),
  })
  .superRefine((scale, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (scale.max < scale.min) refuse('max', `is less than min (${scale.min})`);
    if (scale.cpu_up <= 0) refuse('cpu_up', 'must be more than nothing');
    else if (scale.cpu_down >= scale.cpu_up) refuse('cpu_down', 'must be less than cpu_up');
    if (scale.memory_down !== undefined && scale.memory_up === undefined) refuse('memory_down', 'has no memory_up beside it, without which memory does not count');
  });

export type ScaleConfig = z.output<typeof scaleSchema>;

/** In bytes; null for a share of a limit that is not set. */
export function memoryThresholdBytes(threshold: MemoryThreshold | undefined, limitBytes: number | undefined): number | null {
  if (threshold === undefined) return null;
  if ('bytes' in threshold) return threshold.bytes;
  return limitBytes === undefined ? null : Math.round(threshold.share * limitBytes);
}

/** `memoryLimitBytes`: limits.memory. */
export function normaliseScale(scale: ScaleConfig | undefined, memoryLimitBytes: number | undefined): ScaleSpec | null {
  if (scale === undefined) return null;
  return {
    min: scale.min,
    max: scale.max,
    cpuUp: scale.cpu_up,
    cpuDown: scale.cpu_down,
    memoryUpBytes: memoryThresholdBytes(scale.memory_up, memoryLimitBytes),
    memoryDownBytes: memoryThresholdBytes(scale.memory_down, memoryLimitBytes),
    cooldownUpMs: scale.cooldown_up,
    cooldownDownMs: scale.cooldown_down,
  };
}
