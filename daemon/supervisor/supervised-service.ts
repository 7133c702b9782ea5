import type { EngineRef } from '../runner/runner.js';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import type { Service } from '../../shared/protocol/results.js';
import { RawJson } from '../../shared/rpc/index.js';
import type { PendingCause } from '../state/state-store.js';
import type { InstanceActor } from './instance-actor.js';
import { viewService } from './service-view.js';
import type { Wanted } from './intents.js';
import type { DependencyView } from './dependency-gate.js';
import type { WaitView } from './waiters.js';

/** One service under supervision: its spec, its instances, and how it is shown. */
export class SupervisedService {
  readonly actors: InstanceActor[] = [];
  /** Instances beyond the wanted number, which are on their way out. */
  readonly surplus = new Set<InstanceActor>();
  /** During a rollout, the numbers of the instances that get requests and stand for the service; null: all of them. */
  serving: ReadonlySet<number> | null = null;
  /** Its source, or the service itself, is going away: wanted down whatever the operator said. */
  leaving = false;
  /**
   * Its engine has not said yet what lives there: nothing is done to its instances, and what is wanted of it meanwhile is
   * done once they are known. Null: they are known.
   */
  held: EngineRef | null = null;
  /** What a stop or a launch under way waits for, by instance id. */
  readonly stopProgress = new Map<string, string>();
  private shown: { view: Service; json: RawJson } | null = null;
  private alone: Service | null = null;

  constructor(
    public spec: ServiceSpec,
    private readonly facts: {
      wanted: (service: SupervisedService) => Wanted;
      /** How many are wanted. */
      instances: (service: SupervisedService) => number;
      ports: (actor: InstanceActor) => Record<string, number>;
      rollout: (service: SupervisedService) => { color?: string; phase?: string };
      trouble: (service: SupervisedService) => string | null;
      /** The hook that runs around it. */
      hook: (service: SupervisedService) => string | null;
      /** The hook that its dependents wait for. */
      comingUp: (service: SupervisedService) => string | null;
      /** Hooks keep it from counting as up or as down. */
      isBetween: (service: SupervisedService) => boolean;
      /** Why a hook called its stop off. */
      calledOff: (service: SupervisedService) => string | null;
    },
  ) {}

  get fqn(): string {
    return this.spec.fqn;
  }

  get hasHealthCheck(): boolean {
    return this.spec.healthcheck.length > 0;
  }

  /** What its present state came from: of several instances, of one that does not run well. */
  get cause(): PendingCause {
    const ailing = this.actors.find(({ state }) => state.kind !== 'running' || state.healthy === false);
    return (ailing ?? this.actors[0])?.cause;
  }

  instancesWanted(): number {
    return this.facts.instances(this);
  }

  /** Something that is shown has changed. */
  touch(): void {
    this.shown = this.alone = null;
  }

  view(): Service {
    return this.show().view;
  }

  /** The view as JSON text: made once a change, however often it is asked for. */
  json(): RawJson {
    return this.show().json;
  }

  asDependency(): DependencyView {
    const { state, healthy, wanted, reason } = this.plain();
    const stopping = this.actors.flatMap((actor) => (actor.state.kind === 'stopping' ? [actor.state.purpose.kind] : []));
    return { state, healthy, wanted, reason, hasHealthCheck: this.hasHealthCheck, blocked: this.isBlocked(), stoppingFor: stopping[0] ?? null, comingUp: this.facts.comingUp(this) };
  }

  asWaitedFor(): WaitView {
    const states = this.actors.map((actor) => actor.state);
    const failed = states.find((state) => state.kind === 'failed');
    return {
      service: this.view(),
      hasHealthCheck: this.hasHealthCheck,
      blocked: this.isBlocked(),
      isBetween: this.facts.isBetween(this),
      calledOff: this.facts.calledOff(this),
      failureCode: failed?.kind === 'failed' ? failed.code : null,
    };
  }

  private isBlocked(): boolean {
    return this.actors.some(({ state }) => state.kind === 'waiting' && state.blocked);
  }

  /** As `view`, without a word on what it uses: services may use each other, and so look at each other. */
  plain(): Service {
    if (this.alone !== null) return this.alone;
    const view = viewService(this.spec, this.actors, {
      wanted: this.facts.wanted(this),
      instances: this.facts.instances(this),
      serving: this.serving,
      ports: this.facts.ports,
      rollout: this.facts.rollout(this),
      stopProgress: (actor) => this.stopProgress.get(actor.id) ?? null,
      hook: this.facts.hook(this),
    });
    // What counts down is made anew each time it is looked at.
    if (view.state !== 'backoff') this.alone = view;
    return view;
  }

  private show(): { view: Service; json: RawJson } {
    if (this.shown !== null) return this.shown;
    const plain = this.plain();
    const trouble = plain.state === 'running' ? this.facts.trouble(this) : null;
    const view = trouble === null ? plain : { ...plain, reason: `${plain.reason}; ${trouble}` };
    const shown = { view, json: new RawJson(JSON.stringify(view)) };
    if (view.state !== 'backoff') this.shown = shown;
    return shown;
  }
}
