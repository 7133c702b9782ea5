import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import { hostPortsOf } from '../../shared/config/host-ports.js';
import { parseFqn } from '../../shared/config/names.js';
import { HiveError } from '../../shared/errors/index.js';
import type { Change } from '../../shared/protocol/results.js';
import type { HealthVerdict } from '../health/health-monitor.js';
import type { InstanceState } from '../reconciler/instance-state.js';
import type { InstanceExit, InstanceRef, RunningInstance } from '../runner/runner.js';
import type { RoutedService } from '../routes/derive-routes.js';
import type { SupervisorPort } from '../sources/supervisor-port.js';
import type { PendingCause, StateStore } from '../state/state-store.js';
import { bothOpen, dependencyGate } from './dependency-gate.js';
import { memoryOf } from './instance-memory.js';
import { Rollouts } from '../rollout/rollouts.js';
import { Fleet } from './fleet.js';
import { FoundInstances } from './found-instances.js';
import type { ActorWorld, InstanceActor } from './instance-actor.js';
import { InstanceRecords } from './instance-records.js';
import { InstanceWork, mustBuild, type WorkTools } from './instance-work.js';
import { Intents, type Wanted } from './intents.js';
import { bootId, monotonicMs } from './monotonic-clock.js';
import { livesBeyondRecord, restoreInstance } from './restore-instance.js';
import { Sharing, type Exposed } from '../sharing/sharing.js';
import { SupervisedService } from './supervised-service.js';
import { stopInOrder } from './stop-in-order.js';
import { withDependencies } from './dependency-order.js';

/** Who asked for something, as events name it. */
export interface Requested {
  readonly request: string;
  readonly by: string;
}

/**
 * All services under supervision. Takes specs from the sources and wishes from requests, keeps one mailbox an instance,
 * and tells whoever listens what has changed. Deciding is the reconciler's, doing is InstanceWork's.
 */
export class Supervisor implements SupervisorPort {
  readonly intents: Intents;
  private readonly services = new Map<string, SupervisedService>();
  private readonly dependents = new Map<string, Set<SupervisedService>>();
  private readonly records: InstanceRecords;
  private readonly work: InstanceWork;
  private readonly sharing: Sharing;
  private readonly listeners = new Set<(service: SupervisedService) => void>();
  private readonly found: FoundInstances;
  private readonly fleet: Fleet;
  private readonly rollouts: Rollouts;
  /** Wanted down for the rest of this daemon's life, whatever the operator wants of the next one. */
  private halting = false;

  constructor(private readonly store: StateStore, private readonly tools: WorkTools) {
    this.intents = new Intents(store.db);
    this.records = new InstanceRecords(store.db);
    this.found = new FoundInstances(tools);
    this.sharing = new Sharing(store, {
      service: (fqn) => this.services.get(fqn),
      checkGate: (actor, cause) => this.checkGate(actor, cause),
      watchAnew: (actor) => this.watchAnew(actor),
      warn: tools.warn,
    });
    this.work = new InstanceWork(tools, (actor) => this.checkGate(actor), this.sharing);
    const { records } = this;
    const shared = { onChange: (listener: (service: SupervisedService) => void) => this.onChange(listener), tell: (service: SupervisedService) => this.tell(service) };
    this.fleet = new Fleet({ ...shared, store, records, worldOf: (service, self) => this.worldOf(service, self), forgotten: (actor) => this.sharing.forget(actor.id) });
    this.rollouts = new Rollouts(store, {
      ...shared,
      instancesOf: (service) => this.instancesOf(service),
      startInstances: (service, numbers, cause) => this.startInstances(service, numbers, cause),
      replaceInstances: (service, numbers, cause) => this.replaceInstances(service, numbers, 'it is deployed anew', cause),
      removeInstances: (service, numbers, cause) => this.fleet.removed(service, numbers, cause),
      wantDown: async (service) => void (await this.want({ fqn: service.fqn }, 'down', { request: 'rollout', by: 'the failed deploy (on_failure: abort)' })),
      routesInForce: tools.routesInForce,
      warn: tools.warn,
    });
    tools.runner.onExit((end) => this.exited(end));
  }

  /** First of all: looks at what lives. `applySource` then takes it over, service by service. Returns how many live. */
  findSurvivors(): Promise<number> {
    return this.found.look(this.records);
  }

  /**
   * Last of the start: stops what was found and has left its source, and forgets what an earlier daemon had no time to
   * forget of services that are gone. `loaded`: the sources whose services are known; `registered`: all there are.
   */
  async stopOrphans(loaded: ReadonlySet<string>, registered: ReadonlySet<string>): Promise<void> {
    const isGone = (fqn: string): boolean => {
      const { source } = parseFqn(fqn);
      return !registered.has(source) || (loaded.has(source) && !this.services.has(fqn));
    };
    const gone = [...this.found.rememberedServices(), ...this.intents.services()].filter(isGone);
    for (const source of this.intents.sources()) if (!registered.has(source)) this.forgetSource(source);
    for (const fqn of new Set(gone)) this.forget(fqn);
    await this.found.stopOrphans(loaded);
  }

  applySource(spec: SourceSpec, changes: readonly Change[], cause: PendingCause): void {
    const specs = new Map(spec.services.map((service) => [service.fqn, service]));
    const added: SupervisedService[] = [];
    for (const change of changes) {
      const fqn = change.service;
      const next = specs.get(fqn);
      const leaving = change.action === 'add' ? this.services.get(fqn) : undefined;
      if (leaving !== undefined && next !== undefined) this.keep(leaving, next, cause);
      else if (change.action === 'add' && next !== undefined) added.push(this.add(next));
      else if (change.action === 'remove') void this.stopAndDrop(fqn, cause, async () => undefined).catch((error: Error) => this.tools.warn(error.message));
      else if (next !== undefined) this.replace(next, change, cause);
    }
    for (const service of added) this.begin(service, cause);
  }

  async stopAll(source: string, cause: PendingCause): Promise<void> {
    await this.leave(this.ofSource(source), cause);
  }

  dropSource(source: string, why: 'removed' | 'disabled'): void {
    for (const service of this.ofSource(source)) this.drop(service, why === 'removed');
    if (why === 'removed') this.forgetSource(source);
  }

  async stopAndDrop(fqn: string, cause: PendingCause, removal: () => Promise<void>): Promise<void> {
    const service = this.get(fqn);
    await this.leave([service], cause);
    if (!service.leaving) return;
    try {
      await removal();
    } catch (error) {
      this.stay(service, cause);
      throw error;
    }
    this.drop(service, true);
  }

  /** Wants services up or down; resolves when that is durable. A start wants up what it depends on, too. */
  async want(targets: { fqn: string } | { source: string }, wanted: Wanted, by: Requested): Promise<SupervisedService[]> {
    this.refuseWhenHalting();
    const services = 'fqn' in targets ? [this.get(targets.fqn)] : this.ofSource(targets.source);
    const all = wanted === 'up' ? withDependencies(services, (service) => this.dependenciesOf(service)) : services;
    const needed = all.filter((service) => services.includes(service) || this.wanted(service) === 'down');
    await this.writeIntents('fqn' in targets ? needed.map((service) => service.fqn) : [`${targets.source}:*`], wanted);
    for (const service of needed) {
      if (wanted === 'down') this.rollouts.cancel(service);
      service.touch();
      for (const actor of service.actors) {
        if (wanted === 'down') actor.post({ kind: 'stop' }, by);
        else this.startWithPresentSpec(service, actor, `it was wanted up by ${by.by}`, by);
      }
      this.tell(service);
    }
    return services;
  }

  async restart(targets: { fqn: string } | { source: string }, by: Requested): Promise<SupervisedService[]> {
    this.refuseWhenHalting();
    const services = 'fqn' in targets ? [this.get(targets.fqn)] : this.ofSource(targets.source);
    await this.writeIntents(services.map((service) => service.fqn), 'up');
    for (const service of services) {
      service.touch();
      for (const actor of service.actors) {
        if (!this.rollouts.isUnderWay(service.fqn)) actor.spec = service.spec;
        actor.post({ kind: 'restart', why: `it was restarted by ${by.by}` }, by);
      }
      this.tell(service);
    }
    return services;
  }

  /** Rolls the present spec out by the service's strategy; resolves when that is durable. One that does not run is started. */
  async deploy(fqn: string, by: Requested): Promise<SupervisedService> {
    this.refuseWhenHalting();
    const service = this.get(fqn);
    const runs = this.wanted(service) === 'up' && service.actors.some(({ state }) => state.kind === 'running');
    if (runs) await this.rollouts.begin(service, service.actors[0]?.spec ?? service.spec, by);
    else await this.want({ fqn }, 'up', by);
    return service;
  }

  /** Whether the last deploy of a service is over, and well. */
  deployed(fqn: string): 'under way' | 'done' | HiveError {
    return this.rollouts.outcome(fqn);
  }

  /** Wants that many instances; resolves when that is durable. */
  async scale(fqn: string, instances: number, by: Requested): Promise<SupervisedService> {
    this.refuseWhenHalting();
    const service = this.get(fqn);
    const fixed = hostPortsOf(service.spec.rollout).filter(({ host }) => host !== 'auto').map(({ name }) => name);
    if (instances > 1 && fixed.length > 0) {
      throw new HiveError('CONFLICT', `${fqn} cannot run ${instances} times: its port ${fixed.join(', ')} has a fixed number, which only one instance can have.`, {
        next: `Write \`${fixed[0] ?? 'http'}: auto\` in its rollout ports, then scale again.`,
      });
    }
    if (this.rollouts.isUnderWay(fqn)) {
      throw new HiveError('CONFLICT', `${fqn} is being deployed and cannot be scaled at the same time.`, { next: `Wait until it is done: hivectl wait ${fqn} --for deployed` });
    }
    await this.store.commit((tx) => this.intents.writeScale(tx, fqn, instances));
    this.intents.rememberScale(fqn, instances);
    this.resize(service, by);
    return service;
  }

  /** Stops everything in reverse dependency order. What the operator wants stays as it is, for the next daemon. */
  async halt(cause: PendingCause): Promise<void> {
    this.halting = true;
    this.rollouts.close();
    for (const service of this.services.values()) service.touch();
    await Promise.all([this.stopInOrder([...this.services.values()], cause), this.found.stopAll()]);
  }

  /** Supervision ends; what runs, runs on. */
  async close(): Promise<void> {
    this.halting = true;
    this.rollouts.close();
    await this.work.close();
  }

  /** @throws HiveError NOT_FOUND, INVALID_PARAMS when it is no full name */
  get(fqn: string): SupervisedService {
    const service = this.services.get(fqn);
    if (service === undefined) {
      parseFqn(fqn);
      throw new HiveError('NOT_FOUND', `There is no service ${fqn}.`, { next: 'See `hivectl status --all` for those there are.', data: { fqn } });
    }
    return service;
  }

  all(source?: string): SupervisedService[] {
    return source === undefined ? [...this.services.values()] : this.ofSource(source);
  }

  /** Instances that run now, with their processes. */
  running(): { actor: InstanceActor; process: RunningInstance }[] {
    const found: { actor: InstanceActor; process: RunningInstance }[] = [];
    for (const service of this.services.values()) {
      for (const actor of service.actors) if (actor.state.kind === 'running') found.push({ actor, process: actor.state.process });
    }
    return found;
  }

  /** What the route table is made of. */
  routed(): RoutedService[] {
    const found: RoutedService[] = [];
    for (const service of this.services.values()) {
      const { spec } = service;
      if (spec.proxy.length === 0) continue;
      const { state, reason } = service.view();
      const instances = service.actors.filter((actor) => service.serving?.has(actor.ref.number) ?? !service.surplus.has(actor)).map((actor) => ({
        id: actor.id,
        incarnation: actor.state.kind === 'running' ? actor.state.process.incarnation : null,
        healthy: actor.state.kind === 'running' ? actor.state.healthy : null,
        ports: this.tools.ports.known(actor.spec.rollout, actor.id),
        uses: this.sharing.known(actor.spec, actor.id).usedPorts,
      }));
      found.push({ fqn: spec.fqn, routes: spec.proxy, hasHealthCheck: service.hasHealthCheck, reason: state === 'backoff' ? untimed : reason, instances });
    }
    return found;
  }

  /** What services share with others, for `exposed.list`. */
  exposed(): Exposed[] {
    return this.sharing.list();
  }

  /** Calls back whenever something that is shown of a service has changed and is on disk. */
  onChange(listener: (service: SupervisedService) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  verdict(ref: InstanceRef, { healthy, check, detail }: HealthVerdict): void {
    const actor = this.actorOf(ref);
    if (actor?.state.kind !== 'running') return;
    actor.post({ kind: 'verdict', incarnation: actor.state.process.incarnation, healthy, check, detail, uptimeMs: actor.uptimeMs() });
  }

  private wanted(service: SupervisedService): Wanted {
    if (this.halting || service.leaving) return 'down';
    return this.intents.wanted(service.spec.source, service.spec.name, service.spec.restart.policy);
  }

  private add(spec: ServiceSpec): SupervisedService {
    const service = new SupervisedService(spec, {
      wanted: (one) => this.wanted(one),
      ports: (actor) => this.tools.ports.known(actor.spec.rollout, actor.id),
      rollout: (one) => this.rollouts.shown(one),
      trouble: (one) => this.sharing.trouble(one.spec),
    });
    this.services.set(spec.fqn, service);
    this.index(service);
    this.makeKnown(service);
    return service;
  }

  private instancesOf(service: SupervisedService): number {
    return this.intents.scale(service.fqn) ?? service.spec.instances;
  }

  /** The instances that it has now: those of an earlier rollout, those that live, else as many as are wanted. */
  private makeKnown(service: SupervisedService): void {
    const rolled = this.rollouts.numbersOf(service.fqn);
    const living = this.found.numbersLiving(service.spec.source, service.spec.name);
    if (rolled !== null) {
      this.fleet.make(service, [...rolled.serving, ...rolled.arriving]);
      if (rolled.before !== null) for (const actor of service.actors) if (rolled.serving.includes(actor.ref.number)) actor.spec = rolled.before;
    } else if (service.spec.rollout.type !== 'recreate') this.fleet.make(service, living);
    if (rolled === null || rolled.arriving.length === 0) this.fleet.make(service, this.fleet.numbersFor(service, this.instancesOf(service)));
  }

  private worldOf(service: SupervisedService, self: () => InstanceActor): ActorWorld {
    return {
      store: this.store,
      records: this.records,
      wanted: () => (service.surplus.has(self()) ? 'down' : this.wanted(service)),
      perform: (effect, actor) => this.work.perform(effect, actor, service),
      changed: (actor, before) => this.changed(service, actor, before),
      settled: (actor) => {
        this.fleet.dismiss(service, actor);
        this.tell(service);
      },
    };
  }

  /** Brings the number of instances to what is wanted: more are started, and the last ones stop. */
  private resize(service: SupervisedService, cause: PendingCause): void {
    if (this.rollouts.isUnderWay(service.fqn)) return;
    const count = this.instancesOf(service);
    const staying = this.fleet.staying(service);
    const from = staying.length;
    if (from === count) return;
    void this.store.record((tx) => tx.append({ type: 'service.scaled', service: service.fqn, from, to: count }, cause));
    this.fleet.remove(service, staying.slice(count), cause);
    for (const actor of this.fleet.make(service, this.fleet.numbersFor(service, count))) {
      if (this.wanted(service) === 'up') actor.post({ kind: 'start', why: `it was scaled from ${from} to ${count}` }, cause);
    }
    service.touch();
    this.tell(service);
  }

  /** Takes an instance over from an earlier daemon, or starts it when it is wanted up. */
  private begin(service: SupervisedService, cause: PendingCause): void {
    for (const actor of service.actors) {
      const { found, record } = this.found.take(actor.id);
      if (livesBeyondRecord(record, found)) this.wantAsFound(service);
      const restored = restoreInstance(record, found, this.wanted(service), bootId());
      actor.restore(restored.state, memoryOf(record, restored.keepsRun, found));
      const nameOnly = (incarnation: string): RunningInstance => ({ ref: actor.ref, incarnation, pid: 0, startedAt: new Date() });
      if (restored.forget !== null) {
        // How far an earlier daemon came with sweeping after it is not known.
        this.work.perform({ do: 'sweep', process: nameOnly(restored.forget) }, actor, service);
        this.work.perform({ do: 'forget', incarnation: restored.forget }, actor, service);
      }
      if (restored.stopAgain !== null) this.work.perform({ do: 'stop', process: nameOnly(restored.stopAgain) }, actor, service);
      if (restored.adopted && found.kind === 'living') this.adopt(service, actor, found.process, cause);
      if (restored.state.kind === 'backoff' && restored.events.length === 0) {
        this.work.perform({ do: 'wakeAfter', ms: restored.state.untilMs - monotonicMs() }, actor, service);
      }
      for (const event of restored.events) actor.post(event, cause);
    }
    this.rollouts.resume(service, cause);
    this.catchUp(service, cause);
    this.sharing.begun(service, cause);
  }

  /** An instance that lives with an older configuration: the daemon that was to replace it did not live to. */
  private catchUp(service: SupervisedService, cause: PendingCause): void {
    const outdated = service.actors.filter((actor) => actor.state.kind === 'running' && actor.runHash !== null && actor.runHash !== actor.spec.instanceHash);
    if (outdated.length === 0 || this.wanted(service) === 'down' || this.rollouts.isUnderWay(service.fqn)) return;
    const why = 'its configuration changed while no daemon was there';
    if (service.spec.rollout.type === 'recreate') this.replaceInstances(service, outdated.map(({ ref }) => ref.number), why, cause);
    else void this.rollouts.begin(service, service.spec, cause);
  }

  private wantAsFound(service: SupervisedService): void {
    if (this.wanted(service) === 'up' || this.halting) return;
    this.intents.remember([service.fqn], 'up');
    void this.store.record((tx) => this.intents.write(tx, [service.fqn], 'up'));
  }

  private adopt(service: SupervisedService, actor: InstanceActor, process: RunningInstance, cause: PendingCause): void {
    void this.store.record((tx) => tx.append({ type: 'service.adopted', service: service.fqn, instance: actor.id, pid: process.pid }, cause));
    if (actor.state.kind === 'running') void this.work.beginWatching(actor, process, actor.state.healthy);
  }

  /** It was taken out of its source and is put back before its last process has gone. */
  private keep(service: SupervisedService, next: ServiceSpec, cause: PendingCause): void {
    service.leaving = false;
    this.replace(next, { service: next.fqn, action: 'replace', fields: [] }, cause);
    this.stay(service, cause);
  }

  /** Goes on as the operator wants it, after it was stopped in order to leave. */
  private stay(service: SupervisedService, cause: PendingCause): void {
    service.leaving = false;
    service.touch();
    if (this.wanted(service) === 'down') return;
    for (const actor of service.actors) actor.post({ kind: 'restart', why: 'it stays in its source' }, cause);
    this.tell(service);
  }

  private replace(next: ServiceSpec, change: Change, cause: PendingCause): void {
    const service = this.get(next.fqn);
    const before = service.actors[0]?.spec ?? service.spec;
    this.unindex(service);
    service.spec = next;
    service.touch();
    this.index(service);
    const runs = service.actors.some(({ state }) => state.kind === 'running');
    if (this.rollouts.isUnderWay(service.fqn) || (change.action === 'replace' && next.rollout.type !== 'recreate' && this.wanted(service) === 'up' && runs)) {
      void this.rollouts.begin(service, before, cause);
    } else this.replaceAtOnce(service, change, cause);
    this.sharing.announce(before, cause);
    this.sharing.announce(next, cause);
  }

  private replaceAtOnce(service: SupervisedService, change: Change, cause: PendingCause): void {
    for (const actor of service.actors) {
      actor.spec = service.spec;
      if (change.action === 'replace' && this.wanted(service) === 'up') {
        actor.post({ kind: 'restart', why: `its configuration changed (${change.fields.join(', ')})` }, cause);
      } else if (actor.state.kind === 'running') this.watchAnew(actor);
      else if (actor.state.kind === 'waiting') this.checkGate(actor);
    }
    this.resize(service, cause);
  }

  private watchAnew(actor: InstanceActor): void {
    if (actor.state.kind !== 'running') return;
    this.work.endWatching(actor);
    void this.work.beginWatching(actor, actor.state.process, actor.state.healthy);
  }

  private startInstances(service: SupervisedService, numbers: readonly number[], cause: PendingCause): void {
    this.fleet.make(service, numbers);
    for (const actor of service.actors) {
      if (numbers.includes(actor.ref.number)) this.startWithPresentSpec(service, actor, 'it is being rolled out', cause);
    }
  }

  private replaceInstances(service: SupervisedService, numbers: readonly number[], why: string, cause: PendingCause): void {
    for (const actor of service.actors) {
      if (!numbers.includes(actor.ref.number)) continue;
      actor.spec = service.spec;
      actor.post({ kind: 'restart', why }, cause);
    }
  }

  /** What does not run takes the present spec; what runs keeps what it was started with. */
  private startWithPresentSpec(service: SupervisedService, actor: InstanceActor, why: string, cause: PendingCause): void {
    if (actor.state.kind !== 'running' && actor.state.kind !== 'starting') actor.spec = service.spec;
    actor.post({ kind: 'start', why }, cause);
  }

  private changed(service: SupervisedService, actor: InstanceActor, before: InstanceState): void {
    service.touch();
    const { state } = actor;
    if (before.kind !== 'running' && state.kind === 'running') {
      void this.work.beginWatching(actor, state.process, state.healthy);
      this.restartDependents(service, actor);
    } else if (before.kind === 'running' && state.kind !== 'running') this.work.endWatching(actor);
    for (const dependent of this.dependents.get(service.fqn) ?? []) {
      for (const waiting of dependent.actors) if (waiting.state.kind === 'waiting') this.checkGate(waiting, actor.cause);
    }
    this.sharing.stepped(service, actor, before);
  }

  /** Those that asked for it start anew when what they depend on came back. */
  private restartDependents(service: SupervisedService, actor: InstanceActor): void {
    for (const dependent of this.dependents.get(service.fqn) ?? []) {
      const asked = dependent.spec.dependsOn.some((dependency) => dependency.name === service.spec.name && dependency.restart);
      if (!asked) continue;
      for (const one of dependent.actors) {
        if (one.state.kind === 'running') one.post({ kind: 'restart', why: `${service.spec.name}, which it depends on, was restarted` }, actor.cause);
      }
    }
  }

  private checkGate(actor: InstanceActor, cause?: PendingCause): void {
    const service = this.services.get(actor.fqn);
    if (service === undefined || actor.state.kind !== 'waiting') return;
    const gate = bothOpen(
      dependencyGate(service.spec.dependsOn, (name) => this.services.get(`${service.spec.source}:${name}`)?.asDependency()),
      this.sharing.gate(service.spec),
    );
    if (gate.kind === 'open') actor.post({ kind: 'gateOpened', mustBuild: mustBuild(actor.spec, this.tools.builds) }, cause);
    else actor.post({ kind: 'gateClosed', on: gate.on, blocked: gate.blocked }, cause);
  }

  private exited(end: InstanceExit): void {
    const actor = this.actorOf(end.ref);
    if (actor !== undefined) void this.work.exited(end, actor);
    else this.found.ended(end);
  }

  private stopInOrder(services: readonly SupervisedService[], cause: PendingCause): Promise<void> {
    return stopInOrder(services, (service) => this.neededBy(service), (service) => this.stopOne(service, cause));
  }

  /** Stops services that are going away. Where one cannot be stopped they all stay, wanted as the operator wants them. */
  private async leave(services: readonly SupervisedService[], cause: PendingCause): Promise<void> {
    const mark = (leaving: boolean): void => services.forEach((service) => {
      service.leaving = leaving;
      service.touch();
    });
    mark(true);
    for (const service of services) this.rollouts.cancel(service);
    try {
      await this.stopInOrder(services, cause);
    } catch (error) {
      mark(false);
      throw error;
    }
  }

  private stopOne(service: SupervisedService, cause: PendingCause): Promise<void> {
    for (const actor of service.actors) actor.post({ kind: 'stop' }, cause);
    return new Promise<void>((resolve, reject) => {
      const look = (): boolean => {
        if (this.wanted(service) === 'up') {
          reject(new HiveError('CONFLICT', `${service.fqn} is not stopped: it was put back meanwhile.`));
          return true;
        }
        const states = service.actors.map((actor) => actor.state);
        const stuck = states.find((state) => state.kind === 'failed' && state.leftover !== null);
        if (stuck?.kind === 'failed') reject(new HiveError('STOP_FAILED', stuck.why, { data: { survivors: stuck.survivors } }));
        else if (states.every((state) => ['stopped', 'failed', 'completed'].includes(state.kind))) resolve();
        else return false;
        return true;
      };
      if (look()) return;
      const off = this.onChange((changed) => {
        if (changed === service && look()) off();
      });
    });
  }

  private async writeIntents(names: readonly string[], wanted: Wanted): Promise<void> {
    await this.store.commit((tx) => this.intents.write(tx, names, wanted));
    this.intents.remember(names, wanted);
  }

  private refuseWhenHalting(): void {
    if (this.halting) throw new HiveError('SHUTTING_DOWN', 'The daemon is stopping and starts nothing any more.', { next: 'Start it again with `hivectl daemon start`.' });
  }

  private drop(service: SupervisedService, forget: boolean): void {
    this.services.delete(service.fqn);
    this.unindex(service);
    this.sharing.announce(service.spec, undefined);
    if (!forget) return;
    for (const actor of service.actors) this.sharing.forget(actor.id);
    this.forget(service.fqn);
  }

  private forgetSource(source: string): void {
    this.intents.forgetSource(source);
    void this.store.record((tx) => this.intents.eraseAllOf(tx, source));
  }

  private forget(fqn: string): void {
    this.intents.forget([fqn]);
    void this.store.record((tx) => {
      this.records.deleteAllOf(fqn);
      this.intents.erase(tx, [fqn]);
    });
    this.tools.ports.release(fqn);
    this.tools.builds.forget(fqn);
    this.rollouts.forget(fqn);
  }

  private index(service: SupervisedService): void {
    this.sharing.add(service.spec);
    for (const { name } of service.spec.dependsOn) {
      const fqn = `${service.spec.source}:${name}`;
      const set = this.dependents.get(fqn) ?? new Set();
      this.dependents.set(fqn, set.add(service));
    }
  }

  private unindex(service: SupervisedService): void {
    this.sharing.remove(service.spec);
    for (const { name } of service.spec.dependsOn) this.dependents.get(`${service.spec.source}:${name}`)?.delete(service);
  }

  private dependenciesOf(service: SupervisedService): SupervisedService[] {
    return service.spec.dependsOn.flatMap(({ name }) => this.services.get(`${service.spec.source}:${name}`) ?? []);
  }

  /** What has to outlast it: what it depends on, and what it uses. */
  private neededBy(service: SupervisedService): SupervisedService[] {
    return [...this.dependenciesOf(service), ...this.sharing.outlasting(service.spec).flatMap((fqn) => this.services.get(fqn) ?? [])];
  }

  private ofSource(source: string): SupervisedService[] {
    return [...this.services.values()].filter((service) => service.spec.source === source);
  }

  private actorOf(ref: InstanceRef): InstanceActor | undefined {
    return this.services.get(`${ref.source}:${ref.service}`)?.actors.find((actor) => actor.ref.number === ref.number);
  }

  private tell(service: SupervisedService): void {
    for (const listener of this.listeners) listener(service);
  }
}

/** The reason of a service in backoff counts down; a table that did so would change all the time. */
const untimed = 'it crashed and is about to be restarted';
