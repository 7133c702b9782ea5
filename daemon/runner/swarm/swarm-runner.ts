import { HiveError } from '../../../shared/errors/index.js';
import { EngineConnection } from '../docker/engine-connection.js';
import { UsageOfContainers } from '../docker/container-usage.js';
import { flavours } from '../docker/flavour.js';
import type { SwarmCommand } from '../instance-command.js';
import type { EngineTools } from '../open-engine.js';
import {
  instanceKey,
  type AdoptReport, type Availability, type EngineRef, type EngineRunner, type ExitResult, type InstanceExit, type InstanceRef, type InstanceUsage,
  type LaunchRequest, type LiveProcess, type ReplicaUpdate, type RunningInstance, type StopOptions, type StopReport,
} from '../runner.js';
import type { TaskReport, TaskRequest } from '../task.js';
import { changeReplicas, stopService } from './stop-service.js';
import { observeService } from './observe-service.js';
import { ServiceLauncher } from './service-launcher.js';
import { ServiceLog } from './service-log.js';
import { ServiceWatch } from './service-watch.js';
import { SwarmApi, type SwarmLook } from './swarm-api.js';
import { swarmIdentity, type SwarmIdentity } from './swarm-labels.js';
import { hasEnded, type SwarmService } from './swarm-shapes.js';
import { SwarmTasks } from './swarm-tasks.js';
import { TrackedService } from './tracked-service.js';
import { updateService } from './update-service.js';

/** While tasks come and go. */
const pauseInMotionMs = 200;
const pauseMs = 500;
const pauseWithoutServicesMs = 5_000;
/** So long nothing may run and nothing be about to start before that counts as the end. */
const looksUntilEnd = 3;

/**
 * Runs instances as services of a Docker Swarm, through one of its managers.
 *
 * An incarnation is one replicated service, and its tasks, on whichever node, are its replicas. What Hive does for processes
 * of this machine the swarm does for tasks: it restarts them, moves them when a node is lost, and replaces them in updates.
 * Hive says how many and of what, watches them one by one, and sends requests to those that are healthy. The record is the
 * service itself: its labels say whose it is, and the swarm gives its name out once.
 */
export class SwarmRunner implements EngineRunner<SwarmCommand> {
  private readonly connection: EngineConnection;
  private readonly api: SwarmApi;
  private readonly watch: ServiceWatch;
  private readonly usage: UsageOfContainers;
  private readonly launcher: ServiceLauncher;
  private readonly tasks: SwarmTasks;
  private readonly tracked = new Map<string, TrackedService>();
  private readonly exitListeners = new Set<(exit: InstanceExit) => void>();
  private readonly movedListeners = new Set<(instance: RunningInstance) => void>();
  private readonly availabilityListeners = new Set<(availability: Availability) => void>();
  private readonly firstLook: Promise<AdoptReport>;
  private looked: ((report: AdoptReport) => void) | null = null;
  private refused: ((error: HiveError) => void) | null = null;
  private givenUp = false;
  private closed = false;

  constructor(readonly engine: EngineRef & { readonly type: 'swarm' }, private readonly tools: EngineTools) {
    const tell = (): void => { for (const listener of this.availabilityListeners) listener(this.availability()); };
    this.connection = new EngineConnection({
      engine,
      labels: [`hive.swarm.home=${tools.homeId}`],
      onEvent: () => this.watch.nudge(),
      resync: async () => this.watch.nudge(),
      onAvailability: tell,
    });
    this.api = new SwarmApi(this.connection, tools.homeId);
    this.watch = new ServiceWatch({ engine, connection: this.connection, api: this.api, pauseMs: () => this.pauseMs(), onLook: (look) => this.take(look), onAvailability: tell });
    this.usage = new UsageOfContainers(this.connection, flavours.docker);
    this.launcher = new ServiceLauncher(this.api, tools.homeId);
    this.tasks = new SwarmTasks(this.connection, this.api, this.launcher, tools);
    this.firstLook = new Promise((resolve, reject) => {
      this.looked = resolve;
      this.refused = reject;
    });
    this.firstLook.catch(() => undefined);
    this.connection.open();
    this.watch.open();
  }

  async launch(request: LaunchRequest<SwarmCommand>): Promise<RunningInstance> {
    const { ref, incarnation } = request;
    if (this.closed) throw new HiveError('SHUTTING_DOWN', `${instanceKey(ref)} is not started: this daemon is stopping.`);
    await this.freeOrRefuse(ref);
    const { id, name, identity, createdAt } = await this.launcher.create(request);
    const tracked = this.track(identity, id, name, createdAt);
    try {
      await this.launcher.untilItRuns(id, identity, request);
      this.take(await this.api.look());
      tracked.launched = true;
      return tracked.describe();
    } catch (error) {
      tracked.stopping = true;
      // Its tasks may run already: nothing of it is left when the launch has failed.
      await stopService({ api: this.api, connection: this.connection }, tracked, { signal: 'SIGTERM', graceMs: 0 }, () => true).catch(() => this.launcher.removeLater(id));
      this.tracked.delete(incarnation);
      await tracked.log.close();
      throw error;
    } finally {
      this.launcher.done(name);
    }
  }

  async stop(instance: RunningInstance, options: StopOptions): Promise<StopReport> {
    const began = performance.now();
    const tracked = this.tracked.get(instance.incarnation);
    if (tracked === undefined) return { exit: { kind: 'unknown', reason: 'Its end is not on record any more.' }, by: 'already-gone', tookMs: 0 };
    tracked.stopping = true;
    const { exit, by } = await stopService({ api: this.api, connection: this.connection }, tracked, options, () => this.givenUp);
    await tracked.log.finish();
    tracked.end ??= this.endOf(tracked, exit);
    return { exit: tracked.end.exit, by, tookMs: performance.now() - began };
  }

  async adopt(): Promise<AdoptReport> {
    return this.firstLook;
  }

  async resize(instance: RunningInstance, replicas: number): Promise<void> {
    const tracked = this.tracked.get(instance.incarnation);
    if (tracked === undefined) return;
    await changeReplicas(this.api, tracked.id, replicas);
    this.watch.nudge();
  }

  async update(instance: RunningInstance, request: LaunchRequest<SwarmCommand>, update: ReplicaUpdate): Promise<RunningInstance> {
    const tracked = this.tracked.get(instance.incarnation);
    if (tracked === undefined) throw new HiveError('SERVICE_FAILED', `${instanceKey(instance.ref)} is not in its swarm any more`);
    this.watch.nudge();
    await updateService(this.api, this.launcher, tracked, request, update);
    const service = await this.api.inspect(tracked.id);
    const identity = swarmIdentity(service?.Spec.Labels, this.tools.homeId);
    if (identity !== null) tracked.identity = identity;
    this.take(await this.api.look());
    return tracked.describe();
  }

  onExit(listener: (exit: InstanceExit) => void): () => void {
    this.exitListeners.add(listener);
    return () => this.exitListeners.delete(listener);
  }

  onMoved(listener: (instance: RunningInstance) => void): () => void {
    this.movedListeners.add(listener);
    return () => this.movedListeners.delete(listener);
  }

  async forget(ref: InstanceRef, incarnation: string): Promise<void> {
    const tracked = this.tracked.get(incarnation);
    if (tracked === undefined) return;
    if (tracked.end === null) throw new HiveError('CONFLICT', `${instanceKey(ref)} is running already.`, { data: { state: 'living', incarnation } });
    this.tracked.delete(incarnation);
    await tracked.log.remove();
    await this.api.remove(tracked.id).catch(() => this.launcher.removeLater(tracked.id));
  }

  async liveTreeOf(instance: RunningInstance): Promise<LiveProcess[]> {
    const tracked = this.tracked.get(instance.incarnation);
    return (tracked?.replicas ?? []).map(({ number, node }) => ({ pid: 0, command: `task ${number} of ${tracked?.name ?? ''}${node === null ? '' : ` on ${node}`}` }));
  }

  /** Only of tasks on the node that answers: others keep their figures to themselves. */
  async stats(instances: readonly RunningInstance[]): Promise<InstanceUsage[]> {
    const own = (await this.api.look()).nodes.nameOf({ NodeID: await this.api.ownNode() });
    const replicas = instances.flatMap(({ ref, incarnation, replicas: all }) => (all?.present ?? []).map((replica) => ({ ref: { ...ref, number: replica.number }, incarnation, replica })));
    const here = replicas.filter(({ replica }) => replica.node === own && replica.state === 'running' && replica.containerId !== undefined);
    const looks = await Promise.allSettled(here.map(async ({ ref, incarnation, replica }) => (
      { ref, incarnation, openFiles: 0, ...(await this.usage.of(replica.containerId ?? '', new Date(replica.startedAt ?? Date.now()))) }
    )));
    return looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []));
  }

  runTask(request: TaskRequest<SwarmCommand>, signal: AbortSignal): Promise<TaskReport> {
    return this.tasks.run(request, signal);
  }

  tasksCleared(): Promise<void> {
    return this.tasks.cleared();
  }

  availability(): Availability {
    return this.watch.availability();
  }

  onAvailability(listener: (availability: Availability) => void): () => void {
    this.availabilityListeners.add(listener);
    return () => this.availabilityListeners.delete(listener);
  }

  giveUpWaiting(): void {
    this.givenUp = true;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.refused?.(new HiveError('SHUTTING_DOWN', 'This daemon is stopping.'));
    this.connection.close();
    await this.watch.close();
    await Promise.all([...this.tracked.values()].map(({ log }) => log.close()));
  }

  private pauseMs(): number {
    const all = [...this.tracked.values()].filter(({ end }) => end === null);
    if (all.some((tracked) => tracked.inMotion)) return pauseInMotionMs;
    return all.length === 0 ? pauseWithoutServicesMs : pauseMs;
  }

  private take(look: SwarmLook): void {
    this.adoptFrom(look);
    for (const tracked of this.tracked.values()) if (tracked.end === null) this.observe(tracked, look);
    if (this.looked !== null) {
      const all = [...this.tracked.values()];
      for (const tracked of all) tracked.launched = true;
      this.looked({ living: all.filter(({ end }) => end === null).map((tracked) => tracked.describe()), exited: all.flatMap(({ end }) => end ?? []) });
      this.looked = null;
    }
  }

  /** At the first look, what earlier daemons left; later, what a launch left that was believed to have failed. */
  private adoptFrom({ services }: SwarmLook): void {
    for (const service of services) {
      const identity = swarmIdentity(service.Spec.Labels, this.tools.homeId);
      if (identity === null || this.tracked.has(identity.incarnation) || this.launcher.isUnderWay(service.Spec.Name)) continue;
      if (identity.task !== null) this.tasks.clearLeft(service.ID);
      else if (this.looked !== null) this.track(identity, service.ID, service.Spec.Name, new Date(service.CreatedAt));
      else this.launcher.removeLater(service.ID);
    }
    void this.launcher.removeLeft();
  }

  private observe(tracked: TrackedService, { services, tasks, nodes }: SwarmLook): void {
    const service = services.find(({ ID }) => ID === tracked.id);
    if (service === undefined) return this.gone(tracked);
    const own = tasks.filter(({ ServiceID }) => ServiceID === tracked.id);
    const observed = observeService(service, tracked.identity, own, nodes, tracked.replicas);
    const differs = tracked.take(observed);
    tracked.log.follow(own);
    if (tracked.stopping) return;
    tracked.idleLooks = observed.end === null ? 0 : tracked.idleLooks + 1;
    if (differs && tracked.launched && this.looked === null) for (const listener of this.movedListeners) listener(tracked.describe());
    // At the first look nobody has seen it before: what has ended by then has ended.
    if (observed.end !== null && (tracked.idleLooks >= looksUntilEnd || this.looked !== null) && own.every(hasEnded)) void this.ended(tracked, observed.end);
  }

  private gone(tracked: TrackedService): void {
    tracked.idleLooks += 1;
    // One look may have begun before it was made.
    if (tracked.stopping || this.launcher.isUnderWay(tracked.name) || !tracked.launched || tracked.idleLooks < looksUntilEnd) return;
    void this.ended(tracked, { exit: { kind: 'unknown', reason: 'its service was removed from the swarm by somebody else' } });
  }

  private async ended(tracked: TrackedService, { exit, diagnosis }: { exit: ExitResult; diagnosis?: string }): Promise<void> {
    tracked.end = this.endOf(tracked, exit, diagnosis);
    if (this.looked !== null) return;
    await tracked.log.finish();
    if (this.tracked.get(tracked.incarnation) === tracked) for (const listener of this.exitListeners) listener(tracked.end);
  }

  private endOf({ identity: { ref, incarnation }, startedAt }: TrackedService, exit: ExitResult, diagnosis?: string): InstanceExit {
    return { ref, incarnation, exit, at: new Date(), startedAt, ...(diagnosis === undefined ? {} : { diagnosis }) };
  }

  private track(identity: SwarmIdentity, id: string, name: string, createdAt: Date): TrackedService {
    const { logs, home, warn } = this.tools;
    const log = new ServiceLog({ connection: this.connection, logs, home, identity, service: id, warn });
    const tracked = new TrackedService(identity, id, name, this.engine, log, createdAt);
    this.tracked.set(identity.incarnation, tracked);
    return tracked;
  }

  /** @throws HiveError CONFLICT when another incarnation lives, or its end is not forgotten */
  private async freeOrRefuse(ref: InstanceRef): Promise<void> {
    const other = [...this.tracked.values()].find(({ identity }) => instanceKey(identity.ref) === instanceKey(ref));
    if (other !== undefined) {
      const state = other.end === null ? 'living' : 'exited';
      throw new HiveError('CONFLICT', `${instanceKey(ref)} ${other.end === null ? 'is running already' : 'has ended, and that is not on record yet'}.`, { data: { state, incarnation: other.incarnation } });
    }
    const { services } = await this.api.look();
    await Promise.all(services.filter((service: SwarmService) => {
      const identity = swarmIdentity(service.Spec.Labels, this.tools.homeId);
      return identity?.task === null && instanceKey(identity.ref) === instanceKey(ref);
    }).map((service) => this.api.remove(service.ID)));
  }
}
