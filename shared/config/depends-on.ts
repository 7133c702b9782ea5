import { z } from 'zod';
import { flag } from './schema-parts.js';
import type { DependencySpec } from './service-spec.js';

const dependency = z.strictObject({
  condition: z.enum(['healthy', 'started', 'completed']).prefault('healthy').describe('What to wait for.'),
  restart: flag().prefault(false).describe('Restart this service after the other was restarted.'),
});

export const dependsOnSchema = z.union([z.array(z.string()), z.record(z.string(), dependency)]);

export function normaliseDependsOn(dependsOn: z.output<typeof dependsOnSchema> | undefined): DependencySpec[] {
  if (dependsOn === undefined) return [];
  if (Array.isArray(dependsOn)) return [...new Set(dependsOn)].map((name) => ({ name, condition: 'healthy', restart: false }));
  return Object.entries(dependsOn).map(([name, { condition, restart }]) => ({ name, condition, restart }));
}
