import type { Cause, HiveEvent } from '../../shared/protocol/events.js';

/** One step of the chain, oldest first. */
export interface Step {
  readonly event: HiveEvent;
  /** How often the same thing happened in a row, of which this is the last. */
  readonly times: number;
}

/** The chain of causes that led to the present state of a service. */
export interface Story {
  readonly steps: readonly Step[];
  /** The request that stands at the beginning, if one does. */
  readonly request: Exclude<Cause, number> | null;
  /** A cause that is older than what was looked at. */
  readonly missing: number | null;
}

/**
 * Follows the causes back from the last event of `fqn` that tells about its state. An event without a cause follows from
 * the one that the promised order puts before it. What happened several times along the chain, as in a crash loop, is
 * one step: its last time, and how often.
 */
export function tellStory(fqn: string, events: readonly HiveEvent[]): Story {
  const bySequence = new Map(events.map((event) => [event.seq, event]));
  const own = events.filter((event) => 'service' in event && event.service === fqn && tellsOfState(event));
  const last = own.at(-1);
  if (last === undefined) return { steps: [], request: null, missing: null };
  const chain = new Map<number, HiveEvent>();
  let at: HiveEvent | undefined = last;
  let request: Story['request'] = null;
  let missing: number | null = null;
  while (at !== undefined && !chain.has(at.seq)) {
    chain.set(at.seq, at);
    const cause: Cause | undefined = at.cause ?? impliedCause(at, own);
    if (cause === undefined) break;
    if (typeof cause !== 'number') {
      request = cause;
      break;
    }
    at = bySequence.get(cause);
    if (at === undefined) missing = cause;
  }
  const ordered = [...chain.values()].sort((a, b) => a.seq - b.seq);
  return { steps: foldRepeats(ordered), request, missing };
}

/**
 * What an event without a cause follows from by the order that is promised for one instance: a crash comes from the
 * start before it, a start from the starting before it.
 */
function impliedCause(event: HiveEvent, own: readonly HiveEvent[]): number | undefined {
  if (!('instance' in event)) return undefined;
  const before = own.filter((each) => each.seq < event.seq && 'instance' in each && each.instance === event.instance);
  switch (event.type) {
    case 'service.started':
      return before.findLast(({ type }) => type === 'service.starting')?.seq;
    case 'service.adopted':
    case 'service.crashed':
    case 'service.completed':
    case 'service.healthChanged':
      return before.findLast(({ type }) => type === 'service.started' || type === 'service.adopted')?.seq;
    case 'service.failed':
      return before.findLast(({ type }) => type === 'service.crashed')?.seq;
    default:
      return undefined;
  }
}

function tellsOfState(event: HiveEvent): boolean {
  switch (event.type) {
    case 'service.updated':
    case 'service.created':
    case 'routes.changed':
      return false;
    default:
      return true;
  }
}

function foldRepeats(events: readonly HiveEvent[]): Step[] {
  const rounds = new Map<string, number>();
  for (const event of events) rounds.set(sameness(event), (rounds.get(sameness(event)) ?? 0) + 1);
  const seen = new Set<string>();
  const steps: Step[] = [];
  for (const event of [...events].reverse()) {
    const key = sameness(event);
    if (seen.has(key)) continue;
    seen.add(key);
    steps.unshift({ event, times: rounds.get(key) ?? 1 });
  }
  return steps;
}

function sameness(event: HiveEvent): string {
  if ('instance' in event) return `${event.type} ${event.instance}`;
  return `${event.type} ${'service' in event ? event.service : event.seq}`;
}
