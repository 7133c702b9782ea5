import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { patient } from '../patience.js';
import { lookUpTargets } from '../names/known-names.js';
import { count } from '../render/text.js';
import { waitUntilUp } from './start.js';

/** `hivectl restart`: stops and starts services, and waits until they are healthy again. */
export async function restart(context: Context, args: { service: string[]; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const { targets, services } = await lookUpTargets(context, args.service);
  const client = await context.client();
  const asked = await Promise.all(targets.map((target) => client.restartService(target, patient)));
  if (args.wait) return waitUntilUp(context, services, timeoutMs);
  context.show({ services: asked.flatMap((answer) => answer.services) }, () => [`Asked for ${count(services.length, 'service')} to restart.`]);
}
