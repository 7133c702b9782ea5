import type { HiveEvent } from '../../shared/protocol/events.js';

/** How far the story of an instance has been told. `lost`: its launch may have ended together with the daemon. */
type Told = 'nothing' | 'starting' | 'lost' | 'started' | 'ended';

/**
 * What in a whole journal breaks the order promises of docs/events.md, as sentences; none when all of them hold:
 * numbers without gaps, causes before effects, `starting < started < healthChanged* < stopped|crashed` for each instance,
 * `source.removed` after the end of all its services, `daemon.shutdown` last of a run and after every stop it means.
 */
export function orderProblems(events: readonly HiveEvent[]): string[] {
  const problems: string[] = [];
  const told = new Map<string, Told>();
  const removed = new Set<string>();
  let before: HiveEvent | undefined;

  const complain = (event: HiveEvent, what: string): void => void problems.push(`${event.seq} ${event.type}${'instance' in event ? ` ${event.instance}` : ''}: ${what}`);
  const expectTold = (event: HiveEvent & { instance: string }, expected: readonly Told[], next: Told): void => {
    const state = told.get(event.instance) ?? 'nothing';
    if (!expected.includes(state)) complain(event, `comes when the last that was told is "${state}"`);
    told.set(event.instance, next);
  };
  const living = (prefix: string): string[] => [...told].filter(([id, state]) => id.startsWith(prefix) && (state === 'started' || state === 'starting')).map(([id]) => id);

  for (const event of events) {
    if (before !== undefined && event.seq !== before.seq + 1) complain(event, `follows ${before.seq}`);
    if (before !== undefined && event.epoch !== before.epoch) complain(event, 'belongs to another epoch');
    if (typeof event.cause === 'number' && (event.cause >= event.seq || event.cause < 1)) complain(event, `is caused by ${event.cause}`);
    if ((before === undefined || before.type === 'daemon.shutdown') && event.type !== 'daemon.started') complain(event, before === undefined ? 'is the first of the journal' : 'comes after daemon.shutdown');
    if ('service' in event && removed.has(sourceOf(event.service))) complain(event, 'comes after its source was removed');
    before = event;
    switch (event.type) {
      case 'daemon.started':
        for (const [id, state] of told) if (state === 'starting') told.set(id, 'lost');
        break;
      case 'daemon.shutdown':
        if (!event.keepServices) for (const id of living('')) complain(event, `comes before the end of ${id}`);
        break;
      case 'source.added':
        removed.delete(event.source);
        break;
      case 'source.removed':
        for (const id of living(`${event.source}:`)) complain(event, `comes before the end of ${id}`);
        removed.add(event.source);
        break;
      case 'service.starting':
        expectTold(event, ['nothing', 'lost', 'ended'], 'starting');
        break;
      case 'service.started':
        expectTold(event, ['starting', 'lost'], 'started');
        break;
      case 'service.adopted':
        told.set(event.instance, told.get(event.instance) === 'lost' ? 'lost' : 'started');
        break;
      case 'service.healthChanged':
        expectTold(event, ['started'], 'started');
        break;
      case 'service.crashed':
      case 'service.stopped':
      case 'service.completed':
        expectTold(event, ['starting', 'lost', 'started'], 'ended');
        break;
      default:
        break;
    }
  }
  return problems;
}

function sourceOf(service: string): string {
  return service.split(':')[0] ?? '';
}
