import type { EventType, HiveEvent } from '../../shared/protocol/events.js';

/** What a chain of causes leads to beside itself, and is told with it. */
export const consequenceTypes = ['routes.changed', 'service.dependencyFailed', 'service.dependencyRecovered'] as const satisfies readonly EventType[];

/** Of `events`, in order: routes that changed and services that were told because of the chain, however far up. */
export function consequencesOf(chain: ReadonlyMap<number, HiveEvent>, events: readonly HiveEvent[]): HiveEvent[] {
  const led = new Set(chain.keys());
  const found: HiveEvent[] = [];
  // A cause is always older than what it leads to: one pass finds everything.
  for (const event of events) {
    if (led.has(event.seq) || typeof event.cause !== 'number' || !led.has(event.cause) || !isConsequence(event)) continue;
    led.add(event.seq);
    found.push(event);
  }
  return found;
}

function isConsequence({ type }: HiveEvent): boolean {
  return consequenceTypes.some((each) => each === type);
}
