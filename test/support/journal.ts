import type { DaemonClient } from '../../shared/client/index.js';
import type { EventType, HiveEvent } from '../../shared/protocol/events.js';

const most = 10_000;

/** The whole journal, or what is in it of some types. Fails rather than leave something out. */
export async function journalOf(client: DaemonClient, types?: EventType[]): Promise<HiveEvent[]> {
  const { events } = await client.listEvents({ since: 0, limit: most, ...(types === undefined ? {} : { types }) });
  if (events.length === most) throw new Error(`The journal has ${most} events or more: ask for fewer types.`);
  return events as unknown as HiveEvent[];
}

export type EventOf<T extends EventType> = Extract<HiveEvent, { type: T }>;

export function eventsOf<T extends EventType>(events: readonly HiveEvent[], type: T, service?: string): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type && (service === undefined || ('service' in event && event.service === service)));
}
