import type { Cause, ExitFields, HiveEvent, HookFields } from '../../shared/protocol/events.js';
import { humanDuration } from './measures.js';
import { count } from './text.js';

/** An event as a sentence without its time and its cause: `default:web#1 exited with code 1 after 3.0s; restarts in 1.0s`. */
export function eventSentence(event: HiveEvent): string {
  switch (event.type) {
    case 'daemon.started':
      return `daemon ${event.version} started as pid ${event.pid}${event.adopted > 0 ? ` and took over ${count(event.adopted, 'running instance')}` : ''}`;
    case 'daemon.shutdown':
      return `daemon shut down: ${event.reason}${event.keepServices ? '; services were left running' : ''}`;
    case 'source.added':
      return `source ${event.source} was added from ${event.path}`;
    case 'source.changed':
      return `source ${event.source} changed (revision ${event.revision})${changedServices(event.changes)}`;
    case 'source.removed':
      return `source ${event.source} was removed`;
    case 'source.error':
      return `source ${event.source} could not be loaded (${count(event.problems, 'problem')}): ${event.first}`;
    case 'service.created':
      return `${event.service} appeared in source ${event.source}`;
    case 'service.updated':
      return `the configuration of ${event.service} changed${event.fields.length > 0 ? `: ${event.fields.join(', ')}` : ''}`;
    case 'service.deleted':
      return `${event.service} left its source`;
    case 'service.starting':
      return `${event.instance} is being started${event.reason === '' ? '' : `: ${event.reason}`}`;
    case 'service.started':
      return `${event.instance} runs${processOf(event)}`;
    case 'service.stopped':
      return `${event.instance} was stopped${wasAsked(event)}`;
    case 'service.crashed':
      // The reason tells more of what has no exit: it could not be started, or it was stopped because it was unhealthy.
      if (event.unknown !== undefined && event.restartInMs !== null && event.reason !== '') return `${event.instance} ${event.reason}`;
      return `${event.instance} ${exitClause(event)} after ${humanDuration(event.uptimeMs)}${restartClause(event)}`;
    case 'service.failed':
      return `Hive gave up on ${event.instance}: ${event.reason}`;
    case 'service.completed':
      return `${event.instance} did its work and ended with code 0`;
    case 'service.healthChanged':
      return `${event.instance} became ${event.healthy ? 'healthy' : 'unhealthy'} (${event.check} check${event.detail === '' ? '' : `: ${event.detail}`})`;
    case 'service.dependencyFailed':
      return `${event.service} was told: ${event.reason}`;
    case 'service.dependencyRecovered':
      return `${event.service} was told: ${event.dependency} is well again`;
    case 'service.replicaStarted':
      return `${event.instance} runs on node ${event.node}`;
    case 'service.replicaEnded':
      return `${event.instance}${event.node === '' ? '' : ` on node ${event.node}`} ${event.reason}`;
    case 'service.scaled':
      return `${event.service} ${event.from === event.to ? 'was kept at' : `was scaled from ${event.from} to`} ${count(event.to, 'instance')}${event.reason === undefined ? '' : `: ${event.reason}`}`;
    case 'service.adopted':
      return `a new daemon took over ${event.instance}${processOf(event)}`;
    case 'rollout.started':
      return `a ${event.rollout} deploy of ${event.service} began`;
    case 'rollout.switched':
      return `traffic of ${event.service} went over to ${event.color ?? 'the new instances'}`;
    case 'rollout.finished':
      return `the deploy of ${event.service} is complete`;
    case 'rollout.failed':
      return `the deploy of ${event.service} failed at ${event.step}: ${event.reason}`;
    case 'hook.started':
      return `${hookStep(event)} of ${event.service} began${event.attempt > 1 ? ` (attempt ${event.attempt})` : ''}`;
    case 'hook.finished':
      return `${hookStep(event)} of ${event.service} is done after ${humanDuration(event.tookMs)}`;
    case 'hook.failed':
      return `${hookStep(event)} of ${event.service} ${event.reason}${afterHook(event)}`;
    case 'routes.changed':
      return `the route table has version ${event.version}${routeClause(event)}`;
    case 'plugin.started':
      return `plugin ${event.plugin} was started as pid ${event.pid}`;
    case 'plugin.ready':
      return `plugin ${event.plugin} ${event.version} is ready`;
    case 'plugin.crashed':
      return `plugin ${event.plugin} ${exitClause(event)}${restartClause(event)}`;
    case 'plugin.unresponsive':
      return `plugin ${event.plugin} does not answer`;
    case 'plugin.quarantined':
      return `plugin ${event.plugin} is kept off: ${event.reason}`;
    case 'plugin.stopped':
      return `plugin ${event.plugin} was stopped`;
    case 'gap':
      return `events ${event.from} to ${event.to} are past retention`;
  }
}

function routeClause({ left = [], joined = [] }: { left?: readonly string[]; joined?: readonly string[] }): string {
  const gone = left.filter((instance) => !joined.includes(instance));
  return `${gone.length === 0 ? '' : `: ${some(gone)} left it`}${joined.length === 0 ? '' : `${gone.length === 0 ? ':' : ','} ${some(joined)} joined it`}`;
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
}

/** `step 2 of the pre-up hook`, without its number where there is one step only. */
function hookStep({ hook, step, steps }: HookFields): string {
  return steps === 1 && step === '1' ? `the ${hook} hook` : `step ${step} of the ${hook} hook`;
}

function afterHook({ follows, retryInMs }: Extract<HiveEvent, { type: 'hook.failed' }>): string {
  switch (follows) {
    case 'retry':
      return `; tries again in ${humanDuration(retryInMs ?? 0)}`;
    case 'warn':
      return '; goes on all the same';
    case 'abort':
    case 'called-off':
      return '';
  }
}

/** Who asked for it: `hivectl asked for services.stop`. */
export function requestSentence(cause: Exclude<Cause, number>): string {
  return `${cause.by} asked for ${cause.request}`;
}

/** `exited with code 1`, `was killed by SIGSEGV`, `ended, how is not known (…)`. */
function exitClause(exit: ExitFields): string {
  if (exit.signal !== null) return `was killed by ${exit.signal}`;
  if (exit.exitCode !== null) return `exited with code ${exit.exitCode}`;
  return `ended; how is not known${exit.unknown === undefined ? '' : ` (${exit.unknown})`}`;
}

function restartClause({ restartInMs, reason }: { restartInMs: number | null; reason: string }): string {
  if (restartInMs === null) return reason === '' ? '; is not restarted' : `; ${reason}`;
  return restartInMs === 0 ? '; restarts at once' : `; restarts in ${humanDuration(restartInMs)}`;
}

function wasAsked(exit: Partial<ExitFields>): string {
  if (exit.signal !== null && exit.signal !== undefined) return ` (by ${exit.signal})`;
  return exit.exitCode === null || exit.exitCode === undefined ? '' : ` and exited with code ${exit.exitCode}`;
}

function processOf({ pid, containerId }: { pid?: number; containerId?: string }): string {
  if (pid !== undefined) return ` as pid ${pid}`;
  return containerId === undefined ? '' : ` as container ${containerId.slice(0, 12)}`;
}

function changedServices(changes: readonly { service: string; action: string; fields: readonly string[] }[]): string {
  const touched = changes.filter(({ action }) => action !== 'none');
  return touched.length === 0 ? '' : `: ${touched.map(({ service, action }) => `${service} (${action})`).join(', ')}`;
}

/** The service that an event is about, if it is about one. */
export function serviceOf(event: HiveEvent): string | null {
  return 'service' in event ? event.service : null;
}
