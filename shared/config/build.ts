import { resolve } from 'node:path';
import { z } from 'zod';
import { text } from './schema-parts.js';
import type { BuildSpec } from './service-spec.js';

export const buildSchema = z.strictObject({
  command: text().describe('The command that builds, run by the shell.'),
  working_dir: text().optional().describe('The folder to build in, relative to the project root; the runner\'s by default.'),
  when: z.enum(['missing', 'always', 'never']).prefault('missing').describe('missing: only if `output` is not there.'),
  output: text().optional().describe('The file or folder that the build makes, relative to the project root.'),
});

export function normaliseBuild(build: z.output<typeof buildSchema> | undefined, where: { projectRoot: string; workingDir: string }): BuildSpec | null {
  if (build === undefined) return null;
  const { command, working_dir, when, output } = build;
  return {
    command,
    workingDir: working_dir === undefined ? where.workingDir : resolve(where.projectRoot, working_dir),
    when,
    output: output === undefined ? null : resolve(where.projectRoot, output),
  };
}
