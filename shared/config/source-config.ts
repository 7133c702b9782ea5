import { z } from 'zod';
import { defaultsSchema } from './defaults.js';
import { environmentSchema } from './environment.js';
import { hooksSchema } from './hooks.js';
import { proxyListenSchema } from './proxy.js';
import { flag, positiveDuration } from './schema-parts.js';
import { serviceSchema } from './service-config.js';

/** What a source says beside its services. */
export const sourceFields = {
  version: z.preprocess((value) => (value === 1 ? '1' : value), z.literal('1', { error: 'must be "1", the only version there is' })).describe('The version of this format: "1".'),
  defaults: defaultsSchema.optional().describe('Settings for every runner, health check and so on of a kind, by plugin id.'),
  proxy: proxyListenSchema.optional().describe('Where the front door listens; in the default source only.'),
  environment: environmentSchema.optional().describe('Variables for every service of this source.'),
  hooks: hooksSchema.optional().describe('Steps around the start and stop of the whole source.'),
  observability: z
    .strictObject({ resource_interval: positiveDuration().prefault('5s').describe('How often CPU and memory are measured.') })
    .optional()
    .describe('How closely the services are watched.'),
  plugins: z
    .record(z.string(), z.looseObject({ enabled: flag().optional().describe('Run the plugin.') }))
    .optional()
    .describe('Settings of core plugins by name; in the default source only.'),
};

/** The whole file. Services are checked one by one by the loader, so that one mistake never hides another. */
export const sourceSchema = z.strictObject({
  ...sourceFields,
  services: z.record(z.string(), serviceSchema).describe('The services by name.'),
});

export type SourceField = keyof z.output<typeof sourceSchema>;
