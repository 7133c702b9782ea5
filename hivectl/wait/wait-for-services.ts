import { setTimeout as delay } from 'node:timers/promises';
import { HiveError, toHiveError } from '../../shared/errors/hive-error.js';
import type { Params } from '../../shared/protocol/methods.js';
import type { Service } from '../../shared/protocol/results.js';
import type { Context } from '../context.js';
import { interruptedExitCode } from '../exit-codes.js';
import { startProgress } from './progress.js';

export type Goal = Params<'services.wait'>['for'];

/** How waiting for one service ended. */
export interface Arrival {
  readonly service: Service;
  readonly error: HiveError | null;
}

export interface WaitPlan {
  readonly services: readonly Service[];
  readonly goal: Goal;
  readonly timeoutMs: number;
  /** Look again this much later at what came up without a health check: most of what is broken crashes at once. */
  readonly settleMs?: number;
}

/** What the daemon needs to answer beyond the time it was given. */
const slackMs = 5000;

/**
 * Waits until every service reached the goal or cannot reach it any more, and shows the way there. A one-off service
 * that ended well counts as up. Ctrl-C stops the waiting, not the services.
 */
export async function waitForServices(context: Context, { services, goal, timeoutMs, settleMs = 0 }: WaitPlan): Promise<Arrival[]> {
  context.whenInterrupted(() => {
    context.note('\nNo longer waiting; the services go on as they are (hivectl status).');
    return interruptedExitCode;
  });
  const progress = startProgress(context, services, goal);
  try {
    return await Promise.all(
      services.map(async (service) => {
        const arrival = await settle(context, await waitForOne(context, service, goal, timeoutMs), settleMs);
        progress.arrived(arrival);
        return arrival;
      }),
    );
  } finally {
    await progress.end();
  }
}

async function waitForOne(context: Context, service: Service, goal: Goal, timeoutMs: number): Promise<Arrival> {
  const client = await context.client();
  const { fqn } = service;
  try {
    return { service: await client.waitForService({ fqn, for: goal, timeoutMs }, { deadlineMs: timeoutMs + slackMs }), error: null };
  } catch (thrown) {
    const error = toHiveError(thrown);
    const now = client.connection.isClosed ? service : await client.getService({ fqn }).catch(() => service);
    return { service: now, error: isUp(now, goal) ? null : error };
  }
}

/** A run that ended right after it began is no arrival. */
async function settle(context: Context, arrival: Arrival, settleMs: number): Promise<Arrival> {
  const { service, error } = arrival;
  if (settleMs === 0 || error !== null || service.state !== 'running' || service.healthy !== null) return arrival;
  await delay(settleMs);
  const now = await (await context.client()).getService({ fqn: service.fqn });
  const isSameRun = now.state === 'completed' || (now.state !== 'backoff' && now.state !== 'failed' && now.restarts === service.restarts);
  if (isSameRun) return { service: now, error: null };
  const sentence = `${service.fqn} came up and went down again: ${now.reason.replace(/[.!?]$/, '')}.`;
  return { service: now, error: new HiveError('SERVICE_FAILED', sentence, { next: `Read \`hivectl logs ${service.fqn}\` and mend the cause.`, data: { fqn: service.fqn, state: now.state } }) };
}

function isUp({ state }: Service, goal: Goal): boolean {
  return (goal === 'healthy' || goal === 'running') && state === 'completed';
}

/** One error for all services that did not arrive: with the code of the first of them that is no mere consequence. */
export function arrivalError(arrivals: readonly Arrival[], goal: Goal): HiveError | null {
  const failed = arrivals.flatMap(({ service, error }) => (error === null ? [] : [{ service, error }]));
  const cause = failed.find(({ error }) => error.code !== 'DEPENDENCY_FAILED' && error.code !== 'TIMEOUT') ?? failed.find(({ error }) => error.code !== 'DEPENDENCY_FAILED') ?? failed[0];
  if (cause === undefined) return null;
  const { fqn } = cause.service;
  const next = cause.error.next ?? `hivectl why ${fqn} tells the story.`;
  const data = { failed: failed.map(({ service, error }) => ({ fqn: service.fqn, code: error.code, message: error.message })) };
  if (arrivals.length === 1) return new HiveError(cause.error.code, cause.error.message, { next, data: { ...cause.error.options.data, ...data } });
  return new HiveError(cause.error.code, `${failed.length} of ${arrivals.length} services are not ${goal}: ${failed.map(({ service }) => service.fqn).join(', ')}. ${cause.error.message}`, { next, data });
}
