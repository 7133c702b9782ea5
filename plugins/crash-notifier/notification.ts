import { hostname } from 'node:os';
import type { DaemonClient, HiveEvent } from '../../shared/plugin/index.js';

/** What a command reads from its standard input and a webhook from the body of its request. */
export interface Notification {
  /** The same for every attempt to deliver the same event: what came twice can be told. */
  readonly id: string;
  readonly event: string;
  readonly time: string;
  readonly host: string;
  /** `source:service`; null for an event that is not about a service. */
  readonly fqn: string | null;
  readonly instance: string | null;
  readonly exit: { readonly code: number | null; readonly signal: string | null } | null;
  readonly reason: string | null;
  /** Milliseconds until it is started again; null when it is not. */
  readonly restartInMs: number | null;
  /** The last lines of output, oldest first. */
  readonly lastLines: readonly string[];
}

const linesAsked = 20;
const lookMs = 2_000;

/** Tells an event in the shape that is delivered. What the event does not say is looked up, as far as it can be found. */
export async function notificationOf(event: HiveEvent, client: DaemonClient): Promise<Notification> {
  const fields: Partial<Record<string, unknown>> = { ...event };
  const text = (name: string): string | null => (typeof fields[name] === 'string' ? fields[name] : null);
  const number = (name: string): number | null => (typeof fields[name] === 'number' ? fields[name] : null);
  const fqn = text('service');
  const told = event.type === 'service.crashed';
  return {
    id: `${event.epoch}-${event.seq}`,
    event: event.type,
    time: event.time,
    host: hostname(),
    fqn,
    instance: text('instance'),
    exit: 'exitCode' in event ? { code: number('exitCode'), signal: text('signal') } : null,
    reason: text('reason'),
    restartInMs: number('restartInMs'),
    lastLines: told ? event.lastLines : fqn === null ? [] : await lastLinesOf(fqn, client),
  };
}

async function lastLinesOf(fqn: string, client: DaemonClient): Promise<string[]> {
  try {
    const { lines } = await client.getLogs({ fqn, lines: linesAsked }, { deadlineMs: lookMs });
    return lines.map(({ message }) => message);
  } catch {
    // The service may be gone by now; a notification without its output is better than none.
    return [];
  }
}
