import { resolve } from 'node:path';
import { z } from 'zod';
import { normaliseRunner, runnerSchema } from './runners.js';
import { duration, environmentName, positiveDuration, text, texts, wholeNumber } from './schema-parts.js';
import type { HooksSpec, HookStep } from './service-spec.js';

type OnFailure = 'abort' | 'warn' | 'retry';

export interface StepFields {
  run?: string | undefined;
  runner?: z.output<typeof runnerSchema> | undefined;
  parallel?: StepFields[] | undefined;
  working_dir?: string | undefined;
  timeout: number;
  on_failure?: OnFailure | undefined;
  retries: number;
  retry_delay: number;
  environment: Record<string, string>;
}

/** A step may hold steps, which is why its type is written down rather than inferred. */
export const hookStepSchema: z.ZodType<StepFields> = z.lazy(() => hookStepObject);

const hookStepObject = z
  .strictObject({
    run: text().optional().describe('A command, run by the shell.'),
    runner: runnerSchema.optional().describe('Any runner, run to completion.'),
    parallel: z.array(hookStepSchema).min(1).optional().describe('Steps that run at the same time.'),
    working_dir: text().optional().describe('The folder to run in, relative to the project root; the service\'s by default.'),
    timeout: positiveDuration().prefault('60s').describe('How long the step may take.'),
    on_failure: z.enum(['abort', 'warn', 'retry']).optional().describe('abort before and after up, warn around down, by default.'),
    retries: wholeNumber(1, 1000).prefault(3).describe('How often to try again, with on_failure: retry.'),
    retry_delay: duration().prefault('5s').describe('The wait before trying again.'),
    environment: texts(environmentName()).prefault({}).describe('Variables for this step.'),
  })
  .superRefine((step, context) => {
    const kinds = (['run', 'runner', 'parallel'] as const).filter((kind) => step[kind] !== undefined);
    if (kinds.length !== 1) {
      const message = kinds.length === 0 ? 'does nothing: give it run, runner or parallel' : `has ${kinds.join(' and ')}: a step has one of run, runner and parallel`;
      context.addIssue({ code: 'custom', message });
    } else if (step.parallel !== undefined && step.on_failure === 'retry') {
      context.addIssue({ code: 'custom', path: ['on_failure'], message: 'cannot be retry for parallel steps: put it on the steps inside' });
    } else if (step.run === undefined && step.working_dir !== undefined) {
      context.addIssue({ code: 'custom', path: ['working_dir'], message: 'belongs to a step with run' });
    }
  });

const steps = () => z.array(hookStepSchema).prefault([]);

export const hooksSchema = z.strictObject({
  'pre-up': steps().describe('Before the start.'),
  'post-up': steps().describe('After the start, once healthy; a failure undoes the start.'),
  'pre-down': steps().describe('Before the stop.'),
  'post-down': steps().describe('After the stop.'),
});

export function normaliseHooks(hooks: z.output<typeof hooksSchema> | undefined, where: { projectRoot: string; workingDir: string }): HooksSpec {
  const all = (list: StepFields[] | undefined, onFailure: 'abort' | 'warn') => (list ?? []).map((step) => normaliseStep(step, onFailure, where));
  return {
    preUp: all(hooks?.['pre-up'], 'abort'),
    postUp: all(hooks?.['post-up'], 'abort'),
    preDown: all(hooks?.['pre-down'], 'warn'),
    postDown: all(hooks?.['post-down'], 'warn'),
  };
}

/** `inherited` is what a failure means where the step stands: the event's default, or its group's. */
function normaliseStep(step: StepFields, inherited: 'abort' | 'warn', where: { projectRoot: string; workingDir: string }): HookStep {
  if (step.parallel !== undefined) {
    const onFailure = step.on_failure === 'abort' || step.on_failure === 'warn' ? step.on_failure : inherited;
    return { kind: 'parallel', steps: step.parallel.map((child) => normaliseStep(child, onFailure, where)), timeoutMs: step.timeout, onFailure };
  }
  const workingDir = step.working_dir === undefined ? where.workingDir : resolve(where.projectRoot, step.working_dir);
  return {
    kind: 'run',
    runner: step.runner === undefined ? { type: 'script', run: step.run ?? '', workingDir, shell: '/bin/sh' } : normaliseRunner(step.runner, where.projectRoot),
    timeoutMs: step.timeout,
    onFailure: step.on_failure ?? inherited,
    retries: step.retries,
    retryDelayMs: step.retry_delay,
    environment: step.environment,
  };
}
