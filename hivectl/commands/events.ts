import type { DaemonClient } from '../../shared/client/daemon-client.js';
import type { HiveEvent } from '../../shared/protocol/events.js';
import type { Params } from '../../shared/protocol/methods.js';
import { readSinceOrSequence } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { lookUpTargets } from '../names/known-names.js';
import { renderEvent } from '../render/event-line.js';

type Filter = Pick<Params<'events.list'>, 'types' | 'services'>;

/** `hivectl events`: the last events, and with `-f` those that come, without a gap between the two. */
export async function events(context: Context, args: { service: string[]; follow: boolean; since: string | undefined; type: string[]; tail: number }): Promise<void> {
  const client = await context.client();
  const since = args.since === undefined ? undefined : readSinceOrSequence(args.since, new Date());
  const filter: Filter = {
    ...(args.type.length === 0 ? {} : { types: args.type }),
    ...(args.service.length === 0 ? {} : { services: (await lookUpTargets(context, args.service)).services.map(({ fqn }) => fqn) }),
  };
  const limit = since === undefined ? Math.max(1, args.tail) : 10_000;
  // Before the list, so that what happens between the two is followed rather than lost.
  const { journal } = await client.status();
  const past = await client.listEvents({ ...filter, limit, ...(since === undefined ? {} : { since }) });
  const listed = (args.tail === 0 && since === undefined ? [] : past.events) as unknown as HiveEvent[];
  if (!args.follow) return context.show({ epoch: past.epoch, events: listed }, () => listed.map((event) => line(context, event)));
  context.whenInterrupted(() => exitCodes.done);
  for (const event of listed) print(context, event);
  await follow(context, client, filter, Math.max(journal.seq, listed.at(-1)?.seq ?? 0));
}

/** From right behind the last event that was listed. */
async function follow(context: Context, client: DaemonClient, filter: Filter, from: number): Promise<void> {
  const { batches } = await client.followEvents({ ...filter, from });
  for await (const batch of batches) for (const event of batch.events) print(context, event);
}

function print(context: Context, event: HiveEvent): void {
  context.terminal.out(`${context.options.json ? JSON.stringify(event) : line(context, event)}\n`);
}

function line(context: Context, event: HiveEvent): string {
  return renderEvent(event, new Date(), context.terminal.paint);
}
