import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { lookUpTargets } from '../names/known-names.js';
import { arrivalError, waitForServices, type Goal } from '../wait/wait-for-services.js';

/** `hivectl wait`: until a service (or all of a source) reached a state. */
export async function wait(context: Context, args: { service: string; for: Goal; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const { services } = await lookUpTargets(context, [args.service]);
  const arrivals = await waitForServices(context, { services, goal: args.for, timeoutMs });
  const error = arrivalError(arrivals, args.for);
  if (error !== null) throw error;
  const [only] = arrivals;
  if (context.options.json) context.show(arrivals.length === 1 && only !== undefined ? only.service : { services: arrivals.map(({ service }) => service) }, () => []);
}
