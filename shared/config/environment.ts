import { resolve } from 'node:path';
import { z } from 'zod';
import { environmentName, oneOrMany, text, texts } from './schema-parts.js';
import type { EnvironmentProvider, EnvironmentSpec } from './service-spec.js';

export const dotenvFields = {
  files: oneOrMany(text()).prefault(['.env']).describe('Files of KEY=value lines, relative to the project root; later beats earlier.'),
};

export const environmentSchema = z.strictObject({
  static: texts(environmentName()).optional().describe('Variables by name.'),
  dotenv: z.strictObject(dotenvFields).optional().describe('Variables out of .env files.'),
});

export function normaliseEnvironment(environment: z.output<typeof environmentSchema> | undefined, projectRoot: string): EnvironmentSpec {
  const providers: EnvironmentProvider[] = [];
  if (environment?.dotenv !== undefined) {
    providers.push({ type: 'dotenv', files: environment.dotenv.files.map((file) => resolve(projectRoot, file)) });
  }
  return { static: environment?.static ?? {}, providers };
}
