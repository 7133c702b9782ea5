import type { Service } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { interruptedExitCode } from '../exit-codes.js';
import { lookUpTargets } from '../names/known-names.js';
import { patient } from '../patience.js';
import { count } from '../render/text.js';

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
  const deployed = await Promise.all(asked.map((service) => follow(context, service, timeoutMs)));
  context.show({ services: deployed }, () => (context.options.quiet ? [] : [`${count(deployed.length, 'service')} deployed.`]));
}

async function follow(context: Context, { fqn }: Service, timeoutMs: number): Promise<Service> {
  const client = await context.client();
  const began = performance.now();
  const tell = (value: unknown): void => {
    const { reason } = value as { reason: string };
    if (reason !== '' && !context.options.quiet && !context.options.json) context.note(`${fqn}  ${((performance.now() - began) / 1_000).toFixed(1)}s  ${reason}`);
  };
  const wait = { fqn, for: 'deployed', timeoutMs } as const;
  await client.waitForService(wait, { deadlineMs: timeoutMs + slackMs, onProgress: tell });
  // What was not running was started instead, and has to come up as well.
  return client.waitForService({ ...wait, for: 'healthy' }, { deadlineMs: timeoutMs + slackMs });
}
