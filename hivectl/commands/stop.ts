import type { Service } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { patient } from '../patience.js';
import { lookUpTargets, type Selection } from '../names/known-names.js';
import { count } from '../render/text.js';
import { arrivalError, waitForServices } from '../wait/wait-for-services.js';

/** `hivectl stop`: wants services down and waits until no process of theirs is left. */
export async function stop(context: Context, args: { service: string[]; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  await bringDown(context, { ...(await lookUpTargets(context, args.service)), wait: args.wait, timeoutMs });
}

/** Stops, and says what it waits for when that takes longer. */
export async function bringDown(
  context: Context,
  { targets, services, wait, timeoutMs }: { targets: readonly Selection[]; services: readonly Service[]; wait: boolean; timeoutMs: number },
): Promise<void> {
  const client = await context.client();
  const asked = await Promise.all(targets.map((target) => client.stopService(target, patient)));
  if (!wait) {
    context.show({ services: asked.flatMap((answer) => answer.services) }, () => [`Asked for ${count(services.length, 'service')} to stop.`]);
    return;
  }
  const arrivals = await waitForServices(context, { services, goal: 'stopped', timeoutMs });
  const error = arrivalError(arrivals, 'stopped');
  if (error !== null) throw error;
  context.show({ services: arrivals.map(({ service }) => service) }, () => (context.options.quiet ? [] : [`${count(services.length, 'service')} down.`]));
}
