import { z } from 'zod';
import { environmentName, named, text, texts } from './schema-parts.js';
import type { ExposeSpec, UseSpec } from './service-spec.js';

export const exposeSchema = z.strictObject({
  name: named('expose').describe('The name under which other sources use this service.'),
  secret: text().optional().describe('What a consumer has to know; anybody may use it by default.'),
  vars: texts(environmentName()).prefault({}).describe('The variables that a consumer gets.'),
});

export const usesSchema = z.array(
  z.strictObject({
    name: named('expose').describe('The name that the other side exposes.'),
    secret: text().optional().describe('The secret of the other side.'),
    as: named('alias').optional().describe('The alias in {{uses.<alias>.port.<name>}}; the name by default.'),
    vars: z.record(environmentName(), environmentName()).prefault({}).describe('Their variable: the name it gets here.'),
  }),
);

export function normaliseExpose(expose: z.output<typeof exposeSchema> | undefined): ExposeSpec | null {
  return expose === undefined ? null : { name: expose.name, secret: expose.secret ?? null, vars: expose.vars };
}

export function normaliseUses(uses: z.output<typeof usesSchema> | undefined): UseSpec[] {
  return (uses ?? []).map(({ name, secret, as, vars }) => ({ name, secret: secret ?? null, as: as ?? name, vars }));
}
