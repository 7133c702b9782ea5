import type { z } from 'zod';
import { checkAgainst } from './check-against-schema.js';
import { toPlain, type ConfigNode, type ConfigPath, type MapNode } from './config-node.js';
import type { ProblemList } from './problem-list.js';

/** A map checked field by field, so that a mistake in one field does not keep the others from being looked at. */
export interface CheckedFields<Fields> {
  /** The fields that are right. */
  readonly fields: Partial<Fields>;
  /** The fields that are there and wrong; what follows from them is not reported. */
  readonly wrong: ReadonlySet<string>;
  /** The map with misspelt keys put right. */
  readonly node: MapNode | null;
}

export function checkFields<Shape extends z.core.$ZodLooseShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  written: ConfigNode,
  path: ConfigPath,
  problems: ProblemList,
): CheckedFields<z.output<z.ZodObject<Shape, z.core.$strict>>> {
  type Fields = z.output<z.ZodObject<Shape, z.core.$strict>>;
  const { output, node } = checkAgainst(schema, written, path, problems);
  if (node.kind !== 'map') return { fields: {}, wrong: new Set(Object.keys(schema.shape)), node: null };
  if (output !== null) return { fields: output, wrong: new Set(), node };
  const fields: Record<string, unknown> = {};
  const wrong = new Set<string>();
  for (const [key, field] of Object.entries<z.ZodType>(schema.shape)) {
    const entry = node.entries.get(key);
    if (entry === undefined) continue;
    const result = field.safeParse(toPlain(entry.value, key));
    if (result.success) fields[key] = result.data;
    else wrong.add(key);
  }
  return { fields: fields as Partial<Fields>, wrong, node };
}
