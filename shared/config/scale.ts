import { z } from 'zod';
import { duration, percentage, wholeNumber } from './schema-parts.js';
import type { ScaleSpec } from './service-spec.js';

export const mostInstances = 1000;

export const scaleSchema = z
  .strictObject({
    min: wholeNumber(1, mostInstances).prefault(1).describe('Never fewer instances than this.'),
    max: wholeNumber(1, mostInstances).prefault(10).describe('Never more instances than this.'),
    cpu_up: percentage().prefault('80%').describe('Average CPU use, of one core an instance, above which one more is started.'),
    cpu_down: percentage().prefault('20%').describe('Average CPU use below which one is stopped.'),
    memory_up: percentage().optional().describe('Memory use, of limits.memory, above which one more is started.'),
    memory_down: percentage().optional().describe('Memory use below which one is stopped.'),
    cooldown_up: duration().prefault('60s').describe('The wait after scaling before scaling up.'),
    cooldown_down: duration().prefault('5m').describe('The wait after scaling before scaling down.'),
  })
  .superRefine((scale, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (scale.max < scale.min) refuse('max', `is less than min (${scale.min})`);
    if (scale.cpu_down >= scale.cpu_up) refuse('cpu_down', 'must be less than cpu_up');
    if (scale.memory_up !== undefined && scale.memory_down !== undefined && scale.memory_down >= scale.memory_up) {
      refuse('memory_down', 'must be less than memory_up');
    }
  });

export function normaliseScale(scale: z.output<typeof scaleSchema> | undefined): ScaleSpec | null {
  if (scale === undefined) return null;
  return {
    min: scale.min,
    max: scale.max,
    cpuUp: scale.cpu_up,
    cpuDown: scale.cpu_down,
    memoryUp: scale.memory_up ?? null,
    memoryDown: scale.memory_down ?? null,
    cooldownUpMs: scale.cooldown_up,
    cooldownDownMs: scale.cooldown_down,
  };
}
