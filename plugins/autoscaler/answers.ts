import { HiveError, type DaemonClient } from '../../shared/plugin/index.js';
import type { Service } from '../../shared/client/index.js';
import type { Autoscaler, Judgement } from './autoscaler.js';
import type { Pauses } from './pauses.js';
import type { Settings } from './settings.js';
import { duration, instances, megabytes, percent } from './words.js';

export interface Parts {
  readonly client: DaemonClient;
  readonly autoscaler: Autoscaler;
  readonly pauses: Pauses;
  readonly settings: () => Settings;
}

/** Answers `hivectl plugin call autoscaler …`. @throws HiveError INVALID_PARAMS, NOT_FOUND */
export async function answer(parts: Parts, method: string, params: unknown): Promise<unknown> {
  switch (method) {
    case 'status': return status(parts);
    case 'explain': return explain(parts.autoscaler.judge(await named(parts.client, params)));
    case 'pause': return pause(parts, await named(parts.client, params));
    case 'resume': return resume(parts, await named(parts.client, params));
    default:
      throw new HiveError('INVALID_PARAMS', `The autoscaler knows no "${method}".`, { next: 'It knows status, and explain, pause and resume with the name of a service.' });
  }
}

function status({ autoscaler, settings }: Parts): unknown {
  const { checkIntervalMs, windowMs, dryRun } = settings();
  return {
    checkedAt: autoscaler.checkedAt?.toISOString() ?? null,
    checkInterval: duration(checkIntervalMs),
    window: duration(windowMs),
    dryRun,
    services: autoscaler.latest.map((judgement) => {
      const { service, mode } = judgement;
      return { service: service.fqn, mode, instances: service.scale?.instances, min: service.scale?.min, max: service.scale?.max, verdict: verdict(judgement) };
    }),
  };
}

function explain(judgement: Judgement): unknown {
  const { service, mode, pause, measured, decision } = judgement;
  const { scale } = service;
  return {
    service: service.fqn,
    verdict: verdict(judgement),
    mode,
    ...(pause === null ? {} : { paused: { ...pause, until: `hivectl plugin call autoscaler resume ${service.fqn}` } }),
    would: decision.kind === 'hold' ? 'hold' : decision.to > (scale?.instances ?? 0) ? 'scale up' : 'scale down',
    ...(decision.kind === 'hold' ? { because: decision.cause } : { to: decision.to }),
    instances: scale?.instances,
    use: measured.kind === 'unknown' ? null : {
      cpu: percent(measured.usage.sustained.cpu), memory: megabytes(measured.usage.sustained.memoryBytes),
      cpuPeaking: percent(measured.usage.peaking.cpu), memoryPeaking: megabytes(measured.usage.peaking.memoryBytes),
    },
    ...(scale === undefined ? {} : {
      scale: {
        min: scale.min, max: scale.max, cpuUp: percent(scale.cpuUp), cpuDown: percent(scale.cpuDown),
        ...(scale.memoryUpBytes === null ? {} : { memoryUp: megabytes(scale.memoryUpBytes) }),
        ...(scale.memoryDownBytes === null ? {} : { memoryDown: megabytes(scale.memoryDownBytes) }),
        cooldownUp: duration(scale.cooldownUpMs), cooldownDown: duration(scale.cooldownDownMs),
      },
    }),
  };
}

/** One sentence: what it does, or would do if it were let, and why. */
export function verdict({ service: { scale }, mode, pause, decision }: Judgement): string {
  const present = instances(scale?.instances ?? 0);
  const action = decision.kind === 'hold' ? `It stays at ${present}: ${decision.why}.` : `${mode === 'active' ? 'It goes' : 'It would go'} from ${scale?.instances} to ${instances(decision.to)}: ${decision.why}.`;
  if (pause !== null) return `Paused: ${pause.by} chose ${instances(pause.instances)}. ${decision.kind === 'hold' ? `It would stay at ${present}: ${decision.why}.` : action}`;
  return mode === 'dry-run' ? `Dry run. ${action}` : action;
}

async function pause({ autoscaler, pauses }: Parts, service: Service): Promise<unknown> {
  autoscaler.judge(service);
  await pauses.pause(service.fqn, { by: 'the operator', since: new Date().toISOString(), instances: service.scale?.instances ?? service.instances.length });
  return explain(autoscaler.judge(service));
}

async function resume({ autoscaler, pauses }: Parts, service: Service): Promise<unknown> {
  await pauses.resume(service.fqn);
  return explain(autoscaler.judge(service));
}

/** `shop:web`, or `web` where only one service is called so; alone, as {fqn} or as {service}. */
async function named(client: DaemonClient, params: unknown): Promise<Service> {
  const { fqn, service } = (typeof params === 'object' && params !== null ? params : {}) as { fqn?: unknown; service?: unknown };
  const name = typeof params === 'string' ? params : fqn ?? service;
  if (typeof name !== 'string' || name === '') throw new HiveError('INVALID_PARAMS', 'It is not said of which service.', { next: 'hivectl plugin call autoscaler explain shop:web' });
  if (name.includes(':')) return client.getService({ fqn: name });
  const { services } = await client.listServices({});
  const meant = services.filter((each) => each.name === name);
  const [only] = meant;
  if (only === undefined) throw new HiveError('NOT_FOUND', `There is no service "${name}".`, { next: 'See hivectl status --all for those there are.' });
  if (meant.length > 1) throw new HiveError('INVALID_PARAMS', `"${name}" may be ${meant.map((each) => each.fqn).join(' or ')}.`, { next: 'Say which one by its full name.' });
  return only;
}
