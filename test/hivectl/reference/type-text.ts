import { z } from 'zod';
import { eventTypes } from '../../../shared/protocol/events.js';
import * as shape from '../../../shared/protocol/results.js';

type Schema = { readonly [key: string]: unknown };

/** The shapes that have a name of their own in the reference page. */
export const namedShapes = {
  Status: shape.status(z),
  Source: shape.source(z),
  Problem: shape.problem(z),
  Change: shape.change(z),
  Service: shape.service(z),
  Instance: shape.instance(z),
  LastExit: shape.lastExit(z),
  Stats: shape.stats(z),
  HostStats: shape.hostStats(z),
  LogLine: shape.logLine(z),
  Plugin: shape.plugin(z),
  Revision: shape.revision(z),
} as const;

const nameByContent = new Map(Object.entries(namedShapes).map(([name, schema]) => [JSON.stringify(withoutMeta(schemaOf(schema))), name]));

export function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
}

/** A schema as short text: `{path: string, name?: string}`, `Service[]`, `"a" | "b"`. */
export function typeText(schema: Schema): string {
  const named = nameByContent.get(JSON.stringify(withoutMeta(schema)));
  if (named !== undefined) return named;
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum']) && schema['enum'].length === Object.keys(eventTypes).length) return 'EventType';
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ');
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives)) return [...new Set(alternatives.map((each) => typeText(each as Schema)))].join(' | ');
  switch (schema['type']) {
    case 'object':
      return objectText(schema);
    case 'array':
      return arrayText(typeText((schema['items'] ?? {}) as Schema));
    case 'string':
      return schema['format'] === 'date-time' ? 'time' : 'string';
    case 'integer':
      return 'integer';
    case undefined:
      return 'any';
    default:
      return String(schema['type']);
  }
}

function objectText(schema: Schema): string {
  const properties = fieldsOf(schema);
  if (properties.length > 0) return `{${properties.map(({ name, optional, type }) => `${name}${optional ? '?' : ''}: ${type}`).join(', ')}}`;
  const values = schema['additionalProperties'];
  return typeof values === 'object' && values !== null && Object.keys(values).length > 0 ? `{<name>: ${typeText(values as Schema)}}` : schema['propertyNames'] === undefined ? '{}' : '{<name>: any}';
}

/** The fields of an object, in the order in which they are written. */
export function fieldsOf(schema: Schema): { name: string; optional: boolean; type: string; describe: string }[] {
  const required = new Set((schema['required'] as string[] | undefined) ?? []);
  return Object.entries((schema['properties'] ?? {}) as Record<string, Schema>).map(([name, field]) => ({
    name,
    optional: !required.has(name),
    type: typeText(field),
    describe: typeof field['description'] === 'string' ? field['description'] : '',
  }));
}

function arrayText(items: string): string {
  return items.includes(' | ') ? `(${items})[]` : `${items}[]`;
}

function withoutMeta({ $schema: _schema, description: _description, ...rest }: Schema): Schema {
  return rest;
}
