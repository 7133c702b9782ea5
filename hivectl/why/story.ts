import { consequencesOf } from './consequences.js';
import type { Cause, HiveEvent } from '../../shared/protocol/events.js';

/** One step of the chain, oldest first. */
export interface Step {
  readonly event: HiveEvent;
  /** How often the same thing happened in a row, of which this is the last. */
  readonly times: number;
  /** How many more services were told the same because of the same. */
  readonly others: number;
}

/** The chain of causes that led to the present state of a service. */
export interface Story {
  readonly steps: readonly Step[];
  /** The request that stands at the beginning, if one does. */
  readonly request: Exclude<Cause, number> | null;
  /** A cause that is older than what was looked at. */
  readonly missing: number | null;
  /** The oldest event of the chain, which may be older than the first step: that is the last time of what happened often. */
  readonly since: number | null;
}

/**
 * Follows the causes back from the last event of `fqn` that tells about its state. An event without a cause follows from
 * the one that the promised order puts before it. What happened several times along the chain, as in a crash loop, is
 * one step: its last time, and how often. What the steps led to beside the chain is told with them: routes that changed, and
 * services above that were told.
 */
export function tellStory(fqn: string, events: readonly HiveEvent[]): Story {
  const bySequence = new Map(events.map((event) => [event.seq, event]));
  const own = withoutWhatIsOver(events.filter((event) => 'service' in event && event.service === fqn && tellsOfState(event)));
  const last = own.at(-1);
  if (last === undefined) return { steps: [], request: null, missing: null, since: null };
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
  const ordered = [...chain.values(), ...consequencesOf(chain, events)].sort((a, b) => a.seq - b.seq);
  return { steps: foldTold(foldRepeats(ordered), new Set(chain.keys())), request, missing, since: Math.min(...chain.keys()) };
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

/** Trouble with a dependency that is well again explains nothing any more. */
function withoutWhatIsOver(own: readonly HiveEvent[]): HiveEvent[] {
  const wellAgain = new Set<string>();
  return [...own].reverse().filter((event) => {
    if (event.type === 'service.dependencyRecovered') wellAgain.add(event.dependency);
    return event.type !== 'service.dependencyRecovered' && !(event.type === 'service.dependencyFailed' && wellAgain.has(event.dependency));
  }).reverse();
}

function tellsOfState(event: HiveEvent): boolean {
  switch (event.type) {
    case 'service.updated':
    case 'service.created':
    case 'routes.changed':
      return false;
    case 'service.scaled':
      return event.from !== event.to;
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
    steps.unshift({ event, times: rounds.get(key) ?? 1, others: 0 });
  }
  return steps;
}

/** Of many services that were told the same because of it, the first stands for all; those in the chain stay. */
function foldTold(steps: readonly Step[], chain: ReadonlySet<number>): Step[] {
  const folded: Step[] = [];
  const firstOf = new Map<string, number>();
  for (const step of steps) {
    const { event } = step;
    const key = (event.type === 'service.dependencyFailed' || event.type === 'service.dependencyRecovered') && !chain.has(event.seq) ? `${event.type} ${event.root}` : null;
    const first = key === null ? undefined : firstOf.get(key);
    const there = first === undefined ? undefined : folded[first];
    if (first !== undefined && there !== undefined) folded[first] = { ...there, others: there.others + 1 };
    else {
      if (key !== null) firstOf.set(key, folded.length);
      folded.push(step);
    }
  }
  return folded;
}

function sameness(event: HiveEvent): string {
  if (event.type === 'routes.changed') return `${event.type} ${event.left?.join(' ') ?? ''}/${event.joined?.join(' ') ?? ''}`;
  if (event.type === 'service.dependencyFailed' || event.type === 'service.dependencyRecovered') return `${event.type} ${event.service} ${event.dependency}`;
  if (event.type === 'service.healthChanged') return `${event.type} ${event.instance} ${event.healthy}`;
  if ('instance' in event) return `${event.type} ${event.instance}`;
  return `${event.type} ${'service' in event ? event.service : event.seq}`;
}
