import { z } from 'zod';
import type { ConfigPath } from './config-node.js';

/** The schemas that may apply at `path` below `schema`: more than one where the schema leaves a choice. */
export function schemasAt(schema: z.core.$ZodType, path: ConfigPath): z.core.$ZodType[] {
  let current = concrete(schema);
  for (const step of path) {
    current = current.flatMap((option) => {
      if (option instanceof z.ZodObject) {
        const shape = option.shape as Record<string, z.core.$ZodType>;
        const field = Object.hasOwn(shape, String(step)) ? shape[String(step)] : undefined;
        return field === undefined ? [] : concrete(field);
      }
      if (option instanceof z.ZodRecord) return concrete(option.valueType);
      if (option instanceof z.ZodArray) return concrete(option.element);
      return [];
    });
  }
  return current;
}

/** The keys that a map at `path` may have; empty where any may stand. */
export function keysAt(schema: z.core.$ZodType, path: ConfigPath): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((option) => (option instanceof z.ZodObject ? Object.keys(option.shape) : [])))];
}

/** What the schema says about the field at `path`, or null. */
export function descriptionAt(schema: z.core.$ZodType, path: ConfigPath): string | null {
  const parent = schemasAt(schema, path.slice(0, -1)).find((option) => option instanceof z.ZodObject);
  const field = parent instanceof z.ZodObject ? (parent.shape as Record<string, z.ZodType>)[String(path.at(-1))] : undefined;
  return field?.description ?? null;
}

/** Takes off what only wraps: optional, defaults, transforms; writes out choices. */
function concrete(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) return concrete(schema.def.innerType);
  // A preprocess step is a pipe out of a transform, an ordinary transform a pipe into one.
  if (schema instanceof z.ZodPipe) return concrete(schema.def.in instanceof z.ZodTransform ? schema.def.out : schema.def.in);
  if (schema instanceof z.ZodLazy) return concrete(schema.def.getter());
  if (schema instanceof z.ZodUnion) return schema.def.options.flatMap((option) => concrete(option));
  return [schema];
}
