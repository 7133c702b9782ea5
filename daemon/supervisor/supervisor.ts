import type { SourceSpec } from '../../shared/config/service-spec.js';
import { hostPortsOf } from '../../shared/config/host-ports.js';
import { parseFqn } from '../../shared/config/names.js';
import type { HiveError } from '../../shared/errors/index.js';
import type { Change } from '../../shared/protocol/results.js';
import type { HealthVerdict } from '../health/health-monitor.js';
import type { InstanceRef, RunningInstance } from '../runner/runner.js';
import type { RoutedService } from '../routes/derive-routes.js';
import type { Exposed } from '../sharing/sharing.js';
import type { SupervisorPort } from '../sources/supervisor-port.js';
import type { PendingCause, StateStore } from '../state/state-store.js';
import { carriedIntents, type CarriedIntents, type TakenIntents } from './carried-intents.js';
import type { InstanceActor } from './instance-actor.js';
import type { WorkTools } from './instance-work.js';
import type { Intents, Wanted } from './intents.js';
import { RequestedChanges, type Requested, type Scaling, type Targets } from './requested-changes.js';
import { routedServices } from './routed-services.js';
import { SourceChanges } from './source-changes.js';
import type { SupervisedService } from './supervised-service.js';
import { Supervision } from './supervision.js';
import { TakeOver } from './take-over.js';

/**
 * The door to all services under supervision. Specs come from the sources (SourceChanges), wishes from requests
 * (RequestedChanges), news from the instances (InstanceReactions); each instance has a mailbox, and whoever listens is told
 * what has changed. Deciding is the reconciler's, doing is InstanceWork's.
 */
export class Supervisor implements SupervisorPort {
  readonly intents: Intents;
  private readonly supervision: Supervision;
  private readonly requests: RequestedChanges;
  private readonly sources: SourceChanges;

  constructor(store: StateStore, tools: WorkTools) {
    this.supervision = new Supervision(store, tools, async ({ fqn }) => void (await this.want({ fqn }, 'down', { request: 'rollout', by: 'the failed deploy (on_failure: abort)' })));
    this.intents = this.supervision.intents;
    this.requests = new RequestedChanges(this.supervision);
    const takeOver = new TakeOver(this.supervision);
    const { reactions } = this.supervision;
    this.sources = new SourceChanges(this.supervision, takeOver);
    tools.runner.onExit((end) => reactions.exited(end));
    tools.runner.onMoved((process) => reactions.moved(process));
    tools.runner.onChange((engine) => reactions.engineChanged(engine));
    tools.runner.onSurveyed((engine, report) => void takeOver.surveyed(engine, report, undefined));
  }

  /** First of all: looks at what lives. `applySource` then takes it over, service by service. Returns how many live. */
  findSurvivors(): Promise<number> {
    return this.supervision.found.look(this.supervision.records);
  }

  /**
   * Last of the start: stops what was found and has left its source, and forgets what an earlier daemon had no time to
   * forget of services that are gone. `loaded`: the sources whose services are known; `registered`: all there are.
   */
  async stopOrphans(loaded: ReadonlySet<string>, registered: ReadonlySet<string>): Promise<void> {
    const { found, intents, services, dependencies } = this.supervision;
    const isGone = (fqn: string): boolean => {
      const { source } = parseFqn(fqn);
      return !registered.has(source) || (loaded.has(source) && services.find(fqn) === undefined);
    };
    const gone = [...found.rememberedServices(), ...intents.services()].filter(isGone);
    for (const source of intents.sources()) if (!registered.has(source)) this.sources.forgetSource(source);
    for (const fqn of new Set(gone)) this.sources.forget(fqn);
    await found.stopOrphans(loaded);
    dependencies.begin();
  }

  applySource(spec: SourceSpec, changes: readonly Change[], cause: PendingCause): void {
    this.sources.applySource(spec, changes, cause);
  }

  stopAll(source: string, cause: PendingCause): Promise<void> {
    return this.sources.stopAll(source, cause);
  }

  dropSource(source: string, why: 'removed' | 'disabled'): void {
    this.sources.dropSource(source, why);
  }

  stopAndDrop(fqn: string, cause: PendingCause, removal: () => Promise<void>): Promise<void> {
    return this.sources.stopAndDrop(fqn, cause, removal);
  }

  /** Wants services up or down; resolves when that is durable. A start wants up what it depends on, too. */
  want(targets: Targets, wanted: Wanted, by: Requested): Promise<SupervisedService[]> {
    return this.requests.want(targets, wanted, by);
  }

  /** Wants a new incarnation of each; resolves when that is durable. */
  restart(targets: Targets, by: Requested): Promise<SupervisedService[]> {
    return this.requests.restart(targets, by);
  }

  /** Rolls the present spec out by the service's strategy; resolves when that is durable. One that does not run is started. */
  deploy(fqn: string, by: Requested): Promise<SupervisedService> {
    return this.requests.deploy(fqn, by);
  }

  /** Whether the last deploy of a service is over, and well. */
  deployed(fqn: string): 'under way' | 'done' | HiveError {
    return this.supervision.rollouts.outcome(fqn);
  }

  /** Wants that many instances; resolves when that is durable. */
  scale(fqn: string, scaling: Scaling, by: Requested): Promise<SupervisedService> {
    return this.requests.scale(fqn, scaling, by);
  }

  /** What the operator has said, as another daemon can take it over. */
  carriedIntents(): CarriedIntents {
    const { intents, services } = this.supervision;
    return carriedIntents(intents, (fqn) => services.find(fqn)?.spec.restart.policy);
  }

  /** Takes over what was said to another daemon; resolves with the services that it changed, when that is durable. */
  takeIntents(given: TakenIntents, by: Requested): Promise<string[]> {
    return this.requests.takeOver(given, by);
  }

  /** Stops everything in reverse dependency order. What the operator wants stays as it is, for the next daemon. */
  async halt(cause: PendingCause): Promise<void> {
    const { services, rollouts, orders, found } = this.supervision;
    this.supervision.halting = true;
    this.supervision.tools.runner.giveUpWaiting();
    rollouts.close();
    const all = services.all();
    for (const service of all) service.touch();
    await Promise.all([orders.stopInOrder(all, cause), found.stopAll()]);
    await this.supervision.hooks.sourcesAtRest(new Set(all.map(({ spec }) => spec.source)));
  }

  /** Supervision ends; what runs, runs on. */
  async close(): Promise<void> {
    this.supervision.halting = true;
    this.supervision.rollouts.close();
    await this.supervision.hooks.close();
    await this.supervision.work.close();
  }

  /** @throws HiveError NOT_FOUND, INVALID_PARAMS when it is no full name */
  get(fqn: string): SupervisedService {
    return this.supervision.services.get(fqn);
  }

  find(fqn: string): SupervisedService | undefined {
    return this.supervision.services.find(fqn);
  }

  all(source?: string): SupervisedService[] {
    return source === undefined ? this.supervision.services.all() : this.supervision.services.ofSource(source);
  }

  /** Whether a host port is written as a number in the rollout of some service. */
  declaresPort(port: number): boolean {
    return this.supervision.services.all().some(({ spec }) => hostPortsOf(spec.rollout).some(({ host }) => host === port));
  }

  /** Instances that run now, with their processes. */
  running(): { actor: InstanceActor; process: RunningInstance }[] {
    return this.supervision.services.running();
  }

  /** What the route table is made of. */
  routed(): RoutedService[] {
    return routedServices(this.supervision);
  }

  /** What services share with others, for `exposed.list`. */
  exposed(): Exposed[] {
    return this.supervision.sharing.list();
  }

  /** Calls back whenever something that is shown of a service has changed and is on disk. */
  onChange(listener: (service: SupervisedService) => void): () => void {
    return this.supervision.services.onChange(listener);
  }

  verdict(ref: InstanceRef, verdict: HealthVerdict): void {
    this.supervision.reactions.verdict(ref, verdict);
  }
}
