import { HiveError } from '../../../shared/errors/index.js';
import type { Service } from '../../../shared/protocol/results.js';
import { RawJson } from '../../../shared/rpc/index.js';
import { instanceKey } from '../../runner/runner.js';
import type { LogStore } from '../../logs/log-store.js';
import { parseFqn } from '../../../shared/config/names.js';
import type { SourceManager } from '../../sources/source-manager.js';
import type { StatsSampler } from '../../stats/stats-sampler.js';
import type { Supervisor } from '../../supervisor/supervisor.js';
import type { SupervisedService } from '../../supervisor/supervised-service.js';
import { judgeWait, type WaitFor } from '../../supervisor/waiters.js';
import type { Call, Handlers } from '../dispatch.js';

type ServiceMethods = Extract<keyof Handlers, `services.${string}` | 'metrics.subscribe' | 'metrics.unsubscribe'>;

/** How long `services.wait` waits when nobody says. */
const defaultWaitMs = 60_000;

export function serviceHandlers(supervisor: Supervisor, sources: SourceManager, stats: StatsSampler, logs: LogStore): Pick<Handlers, ServiceMethods> {
  const targets = ({ fqn, source = '' }: { fqn?: string | undefined; source?: string | undefined }): { fqn: string } | { source: string } => {
    if (fqn !== undefined) return { fqn };
    sources.get(source);
    return { source };
  };
  return {
    'services.list': ({ source }) => {
      if (source !== undefined) sources.get(source);
      return RawJson.object({ services: RawJson.array(supervisor.all(source).map((service) => service.json())) });
    },
    'services.get': ({ fqn }) => supervisor.get(fqn).json(),
    'services.config': ({ fqn }) => sources.configOf(fqn),
    'services.create': async ({ source, name, config }, { requested }) => {
      await sources.createService({ source, name, config }, requested);
      return supervisor.get(`${source}:${name}`).json();
    },
    'services.update': async ({ fqn, patch, ifRevision }, { requested }) => {
      const { revision } = await sources.updateService({ fqn, patch, ifRevision }, requested);
      return { service: supervisor.get(fqn).view(), revision };
    },
    'services.delete': async ({ fqn }, { requested }) => {
      await sources.deleteService(fqn, requested);
      const { source, service } = parseFqn(fqn);
      await logs.deleteLogs(source, service);
      return { fqn };
    },
    'services.start': async (params, { requested }) => actedOn(await supervisor.want(targets(params), 'up', requested)),
    'services.stop': async (params, { requested }) => actedOn(await supervisor.want(targets(params), 'down', requested)),
    'services.restart': async (params, { requested }) => actedOn(await supervisor.restart(targets(params), requested)),
    'services.deploy': async ({ fqn }, { requested }) => (await supervisor.deploy(fqn, requested)).json(),
    'services.scale': async ({ fqn, ...scaling }, { requested }) => (await supervisor.scale(fqn, scaling, requested)).json(),
    'services.wait': ({ fqn, for: condition, timeoutMs = defaultWaitMs }, call) => waitFor(supervisor, fqn, condition, timeoutMs, call),
    'services.revisions': ({ fqn }) => ({ revisions: sources.revisions(fqn) }),
    'services.rollback': async ({ fqn, revision }, { requested }) => {
      const made = await sources.rollbackService({ fqn, revision }, requested);
      return { service: supervisor.get(fqn).view(), revision: made.revision };
    },
    'services.stats': async ({ fqn }) => {
      if (fqn !== undefined) supervisor.get(fqn.split('#')[0] ?? fqn);
      return stats.get(fqn);
    },
    'metrics.subscribe': ({ intervalMs }, { session }) => {
      let busy = false;
      const timer = setInterval(() => {
        if (busy || !session.rpc.writable) return;
        busy = true;
        void stats.get().then((sample) => session.rpc.notify('metrics', { subscription, ...sample })).finally(() => { busy = false; });
      }, intervalMs);
      const subscription = session.hold('metrics', () => clearInterval(timer));
      return { subscription };
    },
    'metrics.unsubscribe': ({ subscription }, { session }) => {
      session.release(subscription);
      return {};
    },
  };
}

function actedOn(services: readonly SupervisedService[]): { services: Service[] } {
  return { services: services.map((service) => service.view()) };
}

/** Answers when the state is reached; while it waits, the caller is told of every change as progress. */
function waitFor(supervisor: Supervisor, fqn: string, condition: WaitFor | 'deployed', timeoutMs: number, { context }: Call): Promise<RawJson> {
  const service = supervisor.get(fqn);
  return new Promise<RawJson>((resolve, reject) => {
    let told = '';
    const look = (): void => {
      const view = service.asWaitedFor();
      const verdict = condition === 'deployed' ? judgeDeploy(supervisor.deployed(fqn)) : judgeWait(view, condition);
      if (verdict === 'reached') return finish(() => resolve(service.json()));
      if (verdict instanceof HiveError) return finish(() => reject(verdict));
      const { state, healthy, rollout } = view.service;
      const reason = condition === 'deployed' ? rollout.phase ?? '' : view.service.reason;
      if (told === `${state} ${reason}`) return;
      told = `${state} ${reason}`;
      context.progress({ fqn, state, reason, healthy });
    };
    const off = supervisor.onChange((changed) => { if (changed === service) look(); });
    const deadline = setTimeout(() => finish(() => reject(tooLate(service, condition, timeoutMs))), timeoutMs);
    const withdrawn = (): void => finish(() => reject(context.signal.reason as Error));
    const finish = (settle: () => void): void => {
      clearTimeout(deadline);
      off();
      context.signal.removeEventListener('abort', withdrawn);
      settle();
    };
    context.signal.addEventListener('abort', withdrawn);
    look();
  });
}

function judgeDeploy(outcome: 'under way' | 'done' | HiveError): 'reached' | 'not yet' | HiveError {
  return outcome === 'done' ? 'reached' : outcome === 'under way' ? 'not yet' : outcome;
}

function tooLate(service: SupervisedService, condition: string, timeoutMs: number): HiveError {
  const { fqn, state, reason } = service.view();
  return new HiveError('TIMEOUT', `${fqn} is not ${condition} after ${timeoutMs / 1_000} s: it is ${state}, ${reason}.`, {
    next: `See \`hivectl why ${fqn}\`, or wait longer with --timeout.`,
    data: { fqn, state, instances: service.actors.map((actor) => instanceKey(actor.ref)) },
  });
}
