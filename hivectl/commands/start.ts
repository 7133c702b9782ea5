import type { Service } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { patient } from '../patience.js';
import { lookUpTargets, type Selection } from '../names/known-names.js';
import { count } from '../render/text.js';
import { renderWhereabouts } from '../render/whereabouts.js';
import { arrivalError, waitForServices } from '../wait/wait-for-services.js';

export interface BringUp {
  readonly targets: readonly Selection[];
  readonly services: readonly Service[];
  readonly wait: boolean;
  readonly timeoutMs: number;
}

/** `hivectl start`: wants services up and waits until they are healthy. */
export async function start(context: Context, args: { service: string[]; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  await bringUp(context, { ...(await lookUpTargets(context, args.service)), wait: args.wait, timeoutMs });
}

/** Starts, waits, and says where the services are to be found. */
export async function bringUp(context: Context, { targets, services, wait, timeoutMs }: BringUp): Promise<void> {
  const client = await context.client();
  const asked = await Promise.all(targets.map((target) => client.startService(target, patient)));
  if (!wait) {
    context.show({ services: asked.flatMap((answer) => answer.services) }, () => [`Asked for ${count(services.length, 'service')} to start.`]);
    return;
  }
  await waitUntilUp(context, services, timeoutMs);
}

const settleMs = 300;

/** Waits for services that were asked to come up, and prints how they are then. */
export async function waitUntilUp(context: Context, services: readonly Service[], timeoutMs: number): Promise<void> {
  const arrivals = await waitForServices(context, { services, goal: 'healthy', timeoutMs, settleMs });
  const error = arrivalError(arrivals, 'healthy');
  if (error !== null) throw error;
  const up = arrivals.map(({ service }) => service);
  context.show({ services: up }, () => (context.options.quiet ? [] : [...renderWhereabouts(up), `${count(up.length, 'service')} up.`]));
}

