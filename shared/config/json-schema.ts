import { z } from 'zod';
import { settingsSchema, type DeclaredSettings } from './plugin-settings.js';
import { sourceSchema } from './source-config.js';

/** The format as JSON Schema (2020-12), for editors: what people may write, with descriptions and defaults. */
export function configJsonSchema(pluginSettings: DeclaredSettings = {}): Record<string, unknown> {
  const schema = z.toJSONSchema(sourceSchema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  const declared = Object.entries(pluginSettings).map(([plugin, settings]) => [plugin, withDefaults(settings)] as const);
  const plugins = schema.properties?.['plugins'];
  if (typeof plugins === 'object' && declared.length > 0) plugins.properties = Object.fromEntries(declared);
  return { ...schema, title: 'hive.yaml', description: 'The configuration of Hive, format version 1.' };
}

function withDefaults(settings: DeclaredSettings[string]): z.core.JSONSchema.BaseSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(settingsSchema(settings), { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  for (const [name, setting] of Object.entries(settings)) {
    const property = schema.properties?.[name];
    if (typeof property === 'object' && setting.default !== undefined) property.default = setting.default;
  }
  return schema;
}
