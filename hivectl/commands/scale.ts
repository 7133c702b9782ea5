import { HiveError } from '../../shared/errors/index.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { lookUpTargets } from '../names/known-names.js';
import { patient } from '../patience.js';
import { resumeCommand } from '../scaling/autoscaler.js';
import { count } from '../render/text.js';
import { waitUntilUp } from './start.js';

/** `hivectl scale web 3`: wants that many instances, and waits until they are healthy. */
export async function scale(context: Context, args: { service: string; instances: string; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const instances = readCount(args.instances);
  const { services } = await lookUpTargets(context, [args.service]);
  const client = await context.client();
  const scaled = await Promise.all(services.map(({ fqn }) => client.scaleService({ fqn, instances }, patient)));
  for (const { fqn, scale } of scaled) {
    if (scale !== undefined) context.note(`The autoscaler leaves ${fqn} alone from now on, until: ${resumeCommand(fqn)}`);
  }
  if (args.wait && instances > 0 && scaled.every(({ wanted }) => wanted === 'up')) return waitUntilUp(context, scaled, timeoutMs);
  context.show({ services: scaled }, () => scaled.map(({ fqn }) => `${fqn} is wanted with ${count(instances, 'instance')}.`));
}

function readCount(text: string): number {
  const instances = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(instances)) return instances;
  throw new HiveError('INVALID_PARAMS', `"${text}" is no number of instances.`, { next: 'Give a whole number: hivectl scale web 3' });
}
