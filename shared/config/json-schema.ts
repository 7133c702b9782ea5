import { z } from 'zod';
import { sourceSchema } from './source-config.js';

/** The format as JSON Schema (2020-12), for editors: what people may write, with descriptions and defaults. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(sourceSchema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  return { ...schema, title: 'hive.yaml', description: 'The configuration of Hive, format version 1.' };
}
