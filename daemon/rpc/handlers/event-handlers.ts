import { HiveError } from '../../../shared/errors/index.js';
import { RawJson } from '../../../shared/rpc/index.js';
import type { EventHub } from '../../events/event-hub.js';
import type { Handlers } from '../dispatch.js';

type EventMethods = Extract<keyof Handlers, `events.${string}`>;

/** How many events `events.list` answers when nobody says. */
const defaultLimit = 1_000;

export function eventHandlers(events: EventHub): Pick<Handlers, EventMethods> {
  return {
    'events.subscribe': (params, { session }) => events.subscribe(session, params),
    'events.ack': ({ seq, epoch }, { session }) => {
      if (epoch !== undefined && epoch !== events.epoch) {
        throw new HiveError('CONFLICT', `Event ${seq} of epoch ${epoch} was acknowledged, but this journal is ${events.epoch}.`, { next: 'Subscribe again: the journal was made anew.' });
      }
      events.acknowledge(session, seq);
      return {};
    },
    'events.list': ({ since, limit = defaultLimit, types, services }) => events.list({ types, services }, since, limit),
    'events.unsubscribe': (_params, { session }) => {
      events.unsubscribe(session);
      return new RawJson('{}');
    },
  };
}
