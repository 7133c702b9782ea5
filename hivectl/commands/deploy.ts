import type { Service } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { interruptedExitCode } from '../exit-codes.js';
import { lookUpTargets } from '../names/known-names.js';
import { patient } from '../patience.js';
import { humanDuration } from '../render/measures.js';
import { count } from '../render/text.js';
import { showDeploySteps, type DeploySteps } from '../wait/deploy-steps.js';

/** What the daemon needs to answer beyond the time it was given, in milliseconds. */
const slackMs = 5_000;

/** `hivectl deploy`: rolls services out by their strategy, and shows the steps as they are done. */
export async function deploy(context: Context, args: { service: string[]; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const { services } = await lookUpTargets(context, args.service);
  const client = await context.client();
  const asked = await Promise.all(services.map(({ fqn }) => client.deployService({ fqn }, patient)));
  if (!args.wait) return context.show({ services: asked }, () => [`Asked for ${count(asked.length, 'service')} to be deployed.`]);
  context.whenInterrupted(() => {
    context.note('\nNo longer waiting; the deploy goes on (hivectl status).');
    return interruptedExitCode;
  });
  await followDeploys(context, asked, timeoutMs);
}

/** Shows deploys that were begun until all are done. @throws HiveError of the first that failed, once all have ended */
export async function followDeploys(context: Context, services: readonly Service[], timeoutMs: number): Promise<void> {
  const steps = showDeploySteps(context);
  const began = performance.now();
  const outcomes = await Promise.allSettled(services.map((service) => follow(context, service, steps, timeoutMs)));
  steps.close();
  const took = humanDuration(performance.now() - began);
  const deployed = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  context.show({ services: deployed }, () => (context.options.quiet ? [] : deployed.map((service) => sentence(service, took))));
}

async function follow(context: Context, { fqn, rollout }: Service, steps: DeploySteps, timeoutMs: number): Promise<Service> {
  const client = await context.client();
  let last = '';
  const tell = (value: unknown): void => {
    const { reason } = value as { reason: string };
    if (reason !== '' && reason !== last) steps.step(fqn, reason);
    last = reason;
  };
  steps.began(fqn, rollout.type);
  try {
    const wait = { fqn, for: 'deployed', timeoutMs } as const;
    await client.waitForService(wait, { deadlineMs: timeoutMs + slackMs, onProgress: tell });
    // What was not running was started instead, and has to come up as well.
    const service = await client.waitForService({ ...wait, for: 'healthy' }, { deadlineMs: timeoutMs + slackMs });
    steps.ended(fqn, 'done');
    return service;
  } catch (thrown) {
    steps.ended(fqn, 'failed');
    throw thrown;
  }
}

function sentence({ fqn, rollout, instances }: Service, took: string): string {
  const which = instances.map(({ id }) => id.slice(id.lastIndexOf('#'))).join(', ');
  const color = rollout.color === undefined ? '' : `, ${rollout.color}`;
  return `${fqn} is deployed after ${took}: ${which}${color}.`;
}
