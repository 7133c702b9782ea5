import type { DaemonClient } from '../../shared/client/daemon-client.js';
import type { HiveEvent } from '../../shared/protocol/events.js';
import type { Context } from '../context.js';
import { fetchKnownNames } from '../names/known-names.js';
import { resolveService } from '../names/resolve-service.js';
import { renderStory } from '../render/story.js';
import { printable } from '../render/text.js';
import { scalingVerdict } from '../scaling/autoscaler.js';
import { unmetDependencies, unmetProviders } from '../why/dependencies.js';
import { consequenceTypes } from '../why/consequences.js';
import { tellStory, type Story } from '../why/story.js';

/** `hivectl why`: the chain of causes behind the present state of a service. */
export async function why(context: Context, args: { service: string }): Promise<void> {
  const client = await context.client();
  const known = await fetchKnownNames(context);
  const fqn = resolveService(args.service, known);
  const [service, story, config, exposed] = await Promise.all([
    client.getService({ fqn }),
    fetchStory(client, fqn),
    client.getServiceConfig({ fqn }).then(({ config }) => config, () => null),
    client.listExposed({}).then(({ exposed }) => exposed, () => []),
  ]);
  const scaling = await scalingVerdict(client, service);
  const unmet = [...new Set([...unmetDependencies(service, config, known.services), ...unmetProviders(service, exposed, known.services)])];
  const shown = ['waiting', 'failed', 'running'].includes(service.state) ? unmet : [];
  const result = { service, request: story.request, missing: story.missing, steps: story.steps, unmet: shown.map((each) => each.fqn), ...(scaling === null ? {} : { scaling }) };
  context.show(result, () => {
    const told = renderStory(service, story, shown, { now: new Date(), paint: context.terminal.paint });
    return scaling === null ? told : [...told, '', `Scaling, ${service.scale?.min} to ${service.scale?.max}: ${printable(scaling)}`];
  });
}

/** Causes reach back further than the events first asked for only in long stories; each round asks for what is missing. */
async function fetchStory(client: DaemonClient, fqn: string): Promise<Story> {
  const events = new Map<number, HiveEvent>();
  const collect = async (query: Parameters<DaemonClient['listEvents']>[0]): Promise<void> => {
    for (const event of (await client.listEvents(query)).events as unknown as HiveEvent[]) events.set(event.seq, event);
  };
  await collect({ services: [fqn], limit: 1000 });
  for (let round = 0; ; round += 1) {
    const story = tellStory(fqn, [...events.values()].sort((a, b) => a.seq - b.seq));
    const before = events.size;
    if (story.missing !== null && round < 8) await collect({ since: Math.max(0, story.missing - 1), limit: 10_000 });
    if (events.size > before && story.missing !== null && events.has(story.missing)) continue;
    if (story.since !== null) await collect({ since: story.since, types: [...consequenceTypes], limit: 1_000 });
    return tellStory(fqn, [...events.values()].sort((a, b) => a.seq - b.seq));
  }
}
