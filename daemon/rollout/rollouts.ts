import { randomUUID } from 'node:crypto';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import { HiveError, toHiveError } from '../../shared/errors/index.js';
import { engineOf } from '../runner/engine-of.js';
import { hasReplicas } from '../runner/has-replicas.js';
import { engineKey, type ReplicaUpdate } from '../runner/runner.js';
import { healthOfAll } from '../reconciler/replicas.js';
import type { InstanceActor } from '../supervisor/instance-actor.js';
import type { SupervisedService } from '../supervisor/supervised-service.js';
import type { EventRef, PendingCause, StateStore } from '../state/state-store.js';
import type { HookEvent } from '../hooks/hook-steps.js';
import { describeStep, planRollout, type PlannedHooks, type RolloutStep } from './rollout-plan.js';
import { leftBy, type LeftNumbers } from './left-numbers.js';
import { RolloutRecords, type RolloutRecord } from './rollout-records.js';
import { RolloutRun, type RolloutWorld } from './rollout-run.js';

/** What rollouts need of the supervisor. */
export interface RolloutHost {
  /** How many actors stand for the wanted instances. */
  actorsOf(service: SupervisedService): number;
  /** Makes the instances that are missing, with the service's present spec, and wants them up. */
  startInstances(service: SupervisedService, numbers: readonly number[], cause: PendingCause): void;
  /** Restarts instances with the service's present spec. */
  replaceInstances(service: SupervisedService, numbers: readonly number[], cause: PendingCause): void;
  /** Has their cluster replace what runs for these instances by those of a spec. Rejects when it gave that up. */
  updateInstances(service: SupervisedService, spec: ServiceSpec, step: Extract<RolloutStep, { do: 'update' }>, control: Pick<ReplicaUpdate, 'signal' | 'onProgress'>, cause: PendingCause): Promise<void>;
  /** Stops instances and forgets them; rejects with STOP_FAILED. */
  removeInstances(service: SupervisedService, numbers: readonly number[], cause: PendingCause): Promise<void>;
  /** What an instance waits for that is not ready. */
  unreadiness(actor: InstanceActor): string;
  wantDown(service: SupervisedService): Promise<void>;
  hooksOf(service: SupervisedService): PlannedHooks;
  /** Rejects with HOOK_FAILED where that ends the rollout. */
  runHook(service: SupervisedService, at: RolloutHook, signal: AbortSignal, cause: PendingCause): Promise<void>;
  /** Whether hooks around a restart keep the service from counting as up. */
  isBetween(service: SupervisedService): boolean;
  /** Why a hook called the last stop or restart of the service off; null: it did not. */
  calledOff(service: SupervisedService): string | null;
  /** Resolves when no hooks run around the service that have to end first. */
  beforeRollout(service: SupervisedService): Promise<void>;
  onChange(listener: (service: SupervisedService) => void): () => void;
  /** Resolves when the route table as it is now is applied by every proxy. */
  routesInForce(): Promise<void>;
  tell(service: SupervisedService): void;
  warn(sentence: string): void;
}

/** A step of a hook; `number` and `spec` are those of the instance on whose behalf it runs, which may not be there yet or any more. */
export interface RolloutHook {
  readonly hook: HookEvent;
  readonly step: number;
  readonly number: number;
  readonly spec: ServiceSpec;
}

interface Active {
  readonly run: RolloutRun;
  /** What happens to it is caused by this. */
  cause: PendingCause;
  /** Asked for again while it was under way. */
  again: PendingCause | null;
}

/** The rollouts of all services, at most one each. */
export class Rollouts {
  private readonly records: RolloutRecords;
  private readonly active = new Map<string, Active>();

  constructor(private readonly store: StateStore, private readonly host: RolloutHost) {
    this.records = new RolloutRecords(store.db);
  }

  isUnderWay(fqn: string): boolean {
    return this.active.has(fqn);
  }

  /** The instances that an earlier daemon left; null when the service was never rolled out. */
  numbersOf(fqn: string): LeftNumbers | null {
    const record = this.records.get(fqn);
    return record === undefined ? null : leftBy(record);
  }

  /** How the last rollout is shown with the service. */
  shown(service: SupervisedService): { color?: string; phase?: string } {
    const run = this.active.get(service.fqn)?.run;
    const record = run?.record ?? this.records.get(service.fqn);
    const color = record?.plan.color ?? null;
    const phase = run !== undefined ? run.phase : record?.outcome === 'failed' ? `failed while ${stepOf(record)}: ${record.why ?? ''}` : undefined;
    return { ...(color === null ? {} : { color }), ...(phase === undefined ? {} : { phase }) };
  }

  /** Whether the last rollout of a service is over, for those who wait for it. */
  outcome(fqn: string): 'under way' | 'done' | HiveError {
    if (this.active.has(fqn)) return 'under way';
    const record = this.records.get(fqn);
    if (record?.outcome !== 'failed') return 'done';
    return new HiveError('SERVICE_FAILED', `The deploy of ${fqn} failed while ${stepOf(record)}: ${record.why ?? 'nobody knows why'}. What served before goes on serving.`, {
      next: `See \`hivectl why ${fqn}\` and \`hivectl logs ${fqn}\`, mend the cause, then \`hivectl deploy ${fqn}\`.`,
      data: { fqn, step: stepOf(record) },
    });
  }

  /** Rolls the service's present spec out; resolves when that is durable. While one is under way, another follows it, unless that is about the same. */
  async begin(service: SupervisedService, before: ServiceSpec, cause: PendingCause): Promise<void> {
    const underWay = this.active.get(service.fqn);
    if (underWay !== undefined) {
      const { record } = underWay.run;
      // Else it is about just that, and none of it serves yet.
      if (record.specHash !== service.spec.specHash || hasSwitched(record)) underWay.again = cause;
      return;
    }
    const { spec } = service;
    const present = service.actors.filter((actor) => !service.surplus.has(actor)).map((actor) => actor.ref.number);
    const record: RolloutRecord = {
      plan: planRollout(spec.rollout, present, this.host.actorsOf(service), this.host.hooksOf(service), rollsByItself(before, spec) && present.length > 0 ? randomUUID() : null),
      at: 0, outcome: 'running', why: null, serving: present, specHash: spec.specHash, before,
    };
    const started: EventRef = { seq: 0 };
    const written = this.store.record((tx) => {
      started.seq = tx.append({ type: 'rollout.started', service: service.fqn, rollout: spec.rollout.type }, cause).seq;
      this.records.save(service.fqn, record);
    });
    this.drive(service, record, started);
    await written;
  }

  /** Goes on with what the last daemon was about. Only once its service's instances have been taken over. */
  resume(service: SupervisedService, cause: PendingCause): void {
    const record = this.records.get(service.fqn);
    if (record?.outcome !== 'running') return;
    this.drive(service, record, cause);
  }

  /** The service is wanted down, or is going: what does not serve yet, or no more, goes for good. */
  cancel(service: SupervisedService): void {
    const active = this.active.get(service.fqn);
    if (active === undefined) return;
    this.active.delete(service.fqn);
    active.run.cancel();
    const { serving, plan } = active.run.record;
    const record: RolloutRecord = { ...active.run.record, outcome: 'cancelled', before: null };
    void this.store.record(() => this.records.save(service.fqn, record));
    const others = plan.steps.flatMap((step) => (step.do === 'start' || step.do === 'stop' ? step.numbers : [])).filter((number) => !serving.includes(number));
    service.serving = null;
    void this.host.removeInstances(service, others, undefined).catch((error: Error) => this.host.warn(error.message));
  }

  /** The daemon ends; the next one goes on. */
  close(): void {
    for (const { run } of this.active.values()) run.cancel();
    this.active.clear();
  }

  forget(fqn: string): void {
    void this.store.record(() => this.records.delete(fqn));
  }

  private drive(service: SupervisedService, record: RolloutRecord, cause: PendingCause): void {
    const active: Active = { run: new RolloutRun(record, this.worldOf(service, () => active)), cause, again: null };
    this.active.set(service.fqn, active);
    service.serving = new Set(record.serving);
    service.touch();
    this.host.tell(service);
    // What was asked for before goes first.
    void this.host.beforeRollout(service).then(() => active.run.run()).then((ended) => this.ended(service, active, ended));
  }

  private async ended(service: SupervisedService, active: Active, record: RolloutRecord): Promise<void> {
    // Cancelled: whoever did that has seen to the rest.
    if (record.outcome === 'cancelled' || this.active.get(service.fqn) !== active) return;
    const { fqn } = service;
    await this.store.record((tx) => {
      if (record.outcome === 'finished') tx.append({ type: 'rollout.finished', service: fqn }, active.cause);
      else tx.append({ type: 'rollout.failed', service: fqn, step: stepOf(record), reason: record.why ?? '' }, active.cause);
    });
    this.active.delete(fqn);
    service.serving = null;
    service.touch();
    const { rollout } = service.spec;
    if (record.outcome === 'failed' && rollout.type !== 'recreate' && rollout.onFailure === 'abort') await this.host.wantDown(service);
    // Who waits for the deploy waits for the one that follows, too.
    if (active.again === null) this.host.tell(service);
    else await this.begin(service, record.before ?? service.spec, active.again);
  }

  private worldOf(service: SupervisedService, self: () => Active): RolloutWorld {
    const { host } = this;
    const actors = (numbers: readonly number[]): (InstanceActor | undefined)[] => numbers.map((number) => service.actors.find((actor) => actor.ref.number === number));
    const watch = (signal: AbortSignal, look: () => boolean): Promise<void> => new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        off();
        signal.removeEventListener('abort', aborted);
        settle();
      };
      const aborted = (): void => finish(() => reject(toHiveError(signal.reason)));
      const check = (): void => {
        try {
          if (look()) finish(resolve);
        } catch (error) {
          finish(() => reject(toHiveError(error)));
        }
      };
      const off = host.onChange((changed) => { if (changed === service) check(); });
      signal.addEventListener('abort', aborted);
      if (signal.aborted) aborted();
      else check();
    });
    const replaced = new Map<InstanceActor, string>();
    return {
      start: (numbers) => host.startInstances(service, numbers, self().cause),
      replace: (numbers) => {
        for (const actor of actors(numbers)) if (actor?.state.kind === 'running') replaced.set(actor, actor.state.process.incarnation);
        host.replaceInstances(service, numbers, self().cause);
      },
      update: (step, signal, onProgress) => host.updateInstances(service, service.spec, step, { signal, onProgress }, self().cause),
      undoUpdate: (step) => host.updateInstances(service, self().run.record.before ?? service.spec, { ...step, id: `${step.id}-undone` }, { signal: new AbortController().signal, onProgress: () => undefined }, self().cause),
      ready: (numbers, signal) => watch(signal, () => {
        const calledOff = host.calledOff(service);
        if (calledOff !== null) throw new HiveError('HOOK_FAILED', calledOff);
        return actors(numbers).every((actor) => isReady(service, actor, replaced)) && !host.isBetween(service);
      }),
      unreadiness: (numbers) => actors(numbers).flatMap((actor) => (actor === undefined || isReadyNow(service, actor) ? [] : [`#${actor.ref.number}: ${host.unreadiness(actor)}`])).join('; '),
      unready: async (numbers, signal) => {
        await watch(signal, () => !actors(numbers).every((actor) => isReady(service, actor, replaced)));
        throw new HiveError('SERVICE_FAILED', `${numbers.map((number) => `#${number}`).join(', ')} did not stay healthy`);
      },
      serve: async (numbers) => {
        service.serving = new Set(numbers);
        service.touch();
        host.tell(service);
        await host.routesInForce();
      },
      stop: (numbers) => host.removeInstances(service, numbers, self().cause),
      hook: (hook, step, number, signal) => {
        const isOfOld = hook === 'pre-down' || hook === 'post-down';
        return host.runHook(service, { hook, step, number, spec: (isOfOld ? self().run.record.before : null) ?? service.spec }, signal, self().cause);
      },
      save: (record) => this.store.record(() => this.records.save(service.fqn, record)),
      switched: (record) => {
        const { color } = record.plan;
        void this.store.record((tx) => { self().cause = tx.append({ type: 'rollout.switched', service: service.fqn, ...(color === null ? {} : { color }) }, self().cause); });
      },
      shown: () => {
        service.touch();
        host.tell(service);
      },
    };
  }
}

/** Running, and healthy where that is checked. Throws when it crashed or failed: a new instance gets one try. */
function isReady(service: SupervisedService, actor: InstanceActor | undefined, replaced: ReadonlyMap<InstanceActor, string>): boolean {
  if (actor === undefined) throw new HiveError('SERVICE_FAILED', `an instance of ${service.fqn} is gone`);
  const { state } = actor;
  switch (state.kind) {
    case 'running':
      if (replaced.get(actor) === state.process.incarnation) return false;
      if (state.process.replicas !== undefined && service.hasHealthCheck) return healthOfAll(state.process.replicas, state.replicas ?? {}, { healthy: null, detail: null }).healthy === true;
      return isReadyNow(service, actor);
    case 'backoff':
    case 'failed':
      throw new HiveError('SERVICE_FAILED', `#${actor.ref.number} ${state.why}`);
    case 'completed':
      throw new HiveError('SERVICE_FAILED', `#${actor.ref.number} ended by itself with code 0`);
    case 'stopping':
      if (state.purpose.kind === 'unhealthy') throw new HiveError('SERVICE_FAILED', `#${actor.ref.number} is unhealthy: ${state.purpose.detail}`);
      if (state.purpose.kind === 'giveUp') throw new HiveError('SERVICE_FAILED', `#${actor.ref.number} ${state.purpose.why}`);
      return false;
    case 'stopped':
    case 'waiting':
    case 'building':
    case 'starting':
      return false;
  }
}

function isReadyNow(service: SupervisedService, { state }: InstanceActor): boolean {
  return state.kind === 'running' && (service.hasHealthCheck ? state.healthy === true : state.healthy !== false);
}

function hasSwitched({ plan, at }: RolloutRecord): boolean {
  return plan.steps.slice(0, at).some((step) => step.do === 'serve');
}

function stepOf({ plan, at }: RolloutRecord): string {
  const step = plan.steps[at];
  return step === undefined ? 'finishing' : describeStep(step);
}

/** A cluster that runs the old and the new spec replaces one by the other itself. */
function rollsByItself(before: ServiceSpec, after: ServiceSpec): boolean {
  return hasReplicas(before) && hasReplicas(after) && engineKeyOf(before) === engineKeyOf(after);
}

function engineKeyOf({ runner }: ServiceSpec): string {
  const engine = engineOf(runner);
  return engine === null ? '' : engineKey(engine);
}
