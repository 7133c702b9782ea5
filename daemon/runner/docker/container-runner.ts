import type { ContainerInfo } from 'dockerode';
import { HiveError } from '../../../shared/errors/index.js';
import type { ContainerCommand } from '../instance-command.js';
import {
  instanceKey,
  type AdoptReport,
  type Availability,
  type EngineRef,
  type EngineRunner,
  type ExecReport,
  type ExecRequest,
  type ExitResult,
  type InstanceExit,
  type InstanceRef,
  type InstanceUsage,
  type LaunchRequest,
  type LiveProcess,
  type RunningInstance,
  type StopOptions,
  type StopReport,
} from '../runner.js';
import type { EngineTools } from '../open-engine.js';
import type { TaskReport, TaskRequest } from '../task.js';
import { ContainerLog } from './container-log.js';
import { ContainerTasks } from './container-tasks.js';
import { climbDown } from './container-stop.js';
import { execInside } from './container-exec.js';
import { UsageOfContainers } from './container-usage.js';
import { ContainerLauncher } from './container-launcher.js';
import { EngineConnection } from './engine-connection.js';
import { statusOf } from './engine-error.js';
import { exitOf, timeOf } from './exit-of.js';
import { flavours, type Flavour } from './flavour.js';
import { identityIn, ofHome, ofInstance } from './labels.js';
import { mayBeOurs, removeUnused } from './networks.js';
import { TrackedContainer } from './tracked-container.js';

/** How long a daemon that ends waits for containers that are being removed. */
const removalsWaitMs = 5_000;

/**
 * Runs instances as containers of Docker, or of Podman by its Docker-compatible socket.
 *
 * The engine keeps the record: an incarnation is a container with labels that say whose it is, and it stays there, ended,
 * until `forget`. Names make a launch atomic: an instance's container has one name, which the engine gives out once. Ends
 * are told by the stream of events; whenever that breaks, everything is looked at anew (`resync`).
 */
export class ContainerRunner implements EngineRunner<ContainerCommand> {
  private readonly connection: EngineConnection;
  private readonly flavour: Flavour;
  private readonly usage: UsageOfContainers;
  private readonly launcher: ContainerLauncher;
  private readonly tasks: ContainerTasks;
  private readonly tracked = new Map<string, TrackedContainer>();
  private readonly byContainer = new Map<string, TrackedContainer>();
  /** Containers that are to go as soon as the engine is there, with the network they were in. */
  private readonly removing = new Set<Promise<void>>();
  private readonly removals = new Map<string, string | null>();
  private readonly exitListeners = new Set<(exit: InstanceExit) => void>();
  private readonly availabilityListeners = new Set<(availability: Availability) => void>();
  private adopted: AdoptReport | null = null;
  private givenUp = false;
  private closed = false;

  constructor(readonly engine: EngineRef & { readonly type: 'docker' | 'podman' }, private readonly tools: EngineTools) {
    this.flavour = flavours[engine.type];
    this.connection = new EngineConnection({
      engine,
      labels: ofHome(tools.homeId),
      onEvent: (container, action) => this.happened(container, action),
      resync: () => this.resync(),
      onAvailability: (availability) => { for (const listener of this.availabilityListeners) listener(availability); },
    });
    this.usage = new UsageOfContainers(this.connection, this.flavour);
    this.launcher = new ContainerLauncher(this.connection, this.flavour, tools.homeId);
    this.tasks = new ContainerTasks(this.connection, this.launcher, tools);
    this.connection.open();
  }

  async launch(request: LaunchRequest<ContainerCommand>): Promise<RunningInstance> {
    const { ref } = request;
    if (this.closed) throw new HiveError('SHUTTING_DOWN', `${instanceKey(ref)} is not started: this daemon is stopping.`);
    if (!this.launcher.begin(ref)) throw new HiveError('CONFLICT', `${instanceKey(ref)} is being started already.`, { data: { state: 'starting' } });
    try {
      await this.freeOrRefuse(ref);
      return await this.launchInFree(request);
    } finally {
      this.launcher.done(ref);
    }
  }

  private async launchInFree(request: LaunchRequest<ContainerCommand>): Promise<RunningInstance> {
    const { ref, incarnation } = request;
    const created = await this.launcher.create(request);
    const log = this.logOf(ref, created.id);
    const tracked = new TrackedContainer(ref, incarnation, this.engine, created.id, created.name, log, { pid: 0, startedAt: new Date() });
    tracked.network = request.command.network;
    this.track(tracked);
    try {
      await log.begin();
      await this.launcher.start(created.id, request);
    } catch (error) {
      this.untrack(tracked);
      await log.remove();
      await this.removeNow(created.id, request.command.network);
      throw error;
    }
    log.follow();
    const { State: state } = await this.connection.call((engine) => engine.getContainer(created.id).inspect());
    tracked.facts = { pid: state.Pid, startedAt: timeOf(state.StartedAt) ?? new Date() };
    // One that ended before it was looked at told so when nobody knew it yet.
    if (!state.Running) void this.settle(tracked);
    return tracked.describe();
  }

  async stop(instance: RunningInstance, options: StopOptions): Promise<StopReport> {
    const began = performance.now();
    const tracked = this.tracked.get(instance.incarnation);
    if (tracked === undefined) return { exit: { kind: 'unknown', reason: 'Its end is not on record any more.' }, by: 'already-gone', tookMs: 0 };
    const by = await climbDown(this.connection, tracked, options, () => this.givenUp, () => this.settle(tracked));
    const exit: ExitResult = tracked.end?.exit ?? { kind: 'unknown', reason: 'its end is not known' };
    return { exit, by, tookMs: performance.now() - began };
  }

  async adopt(): Promise<AdoptReport> {
    while (this.adopted === null) {
      if (this.closed) throw new HiveError('SHUTTING_DOWN', 'This daemon is stopping.');
      await this.connection.whenAvailable();
    }
    return this.adopted;
  }

  onExit(listener: (exit: InstanceExit) => void): () => void {
    this.exitListeners.add(listener);
    return () => this.exitListeners.delete(listener);
  }

  async forget(ref: InstanceRef, incarnation: string): Promise<void> {
    const tracked = this.tracked.get(incarnation);
    if (tracked === undefined) return;
    if (tracked.end === null) throw new HiveError('CONFLICT', `${instanceKey(ref)} is running already.`, { data: { state: 'living', incarnation } });
    this.untrack(tracked);
    await tracked.log.remove();
    await this.removeNow(tracked.container, tracked.network);
  }

  async liveTreeOf(instance: RunningInstance): Promise<LiveProcess[]> {
    const tracked = this.tracked.get(instance.incarnation);
    return tracked === undefined || tracked.end !== null ? [] : [{ pid: tracked.facts.pid, command: tracked.describeForPeople() }];
  }

  exec(instance: RunningInstance, request: ExecRequest): Promise<ExecReport> {
    return execInside(this.connection, instance.containerId ?? '', request);
  }

  async stats(instances: readonly RunningInstance[]): Promise<InstanceUsage[]> {
    const looks = await Promise.allSettled(instances.map(async ({ ref, incarnation, containerId = '', startedAt }) => (
      { ref, incarnation, openFiles: 0, ...(await this.usage.of(containerId, new Date(startedAt))) }
    )));
    return looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []));
  }

  runTask(request: TaskRequest<ContainerCommand>, signal: AbortSignal): Promise<TaskReport> {
    return this.tasks.run(request, signal);
  }

  tasksCleared(): Promise<void> {
    return this.tasks.cleared();
  }

  availability(): Availability {
    return this.connection.availability();
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
    await Promise.race([Promise.all(this.removing), new Promise((resolve) => setTimeout(resolve, removalsWaitMs).unref())]);
    this.connection.close();
    await Promise.all([...this.tracked.values()].map((tracked) => tracked.log.close()));
  }

  /** The engine is there (again): looks at all that is ours. */
  private async resync(): Promise<void> {
    const containers = await this.connection.call((engine) => engine.listContainers({ all: true, filters: { label: ofHome(this.tools.homeId) } }));
    for (const [container, network] of this.removals) await this.removeNow(container, network);
    const found = new Map(containers.map((info) => [info.Id, info]));
    if (this.adopted === null) this.adopted = await this.takeOver(containers);
    else await this.removeLeaked(containers);
    await Promise.all([...this.tracked.values()].filter(({ end }) => end === null).map(async (tracked) => {
      if (found.get(tracked.container)?.State === 'running') return;
      if (!this.launcher.isUnderWay(tracked.ref)) await this.settle(tracked);
    }));
  }

  /** What earlier daemons left: instances that live or have ended, and what is neither. */
  private async takeOver(containers: readonly ContainerInfo[]): Promise<AdoptReport> {
    const report: { living: RunningInstance[]; exited: InstanceExit[] } = { living: [], exited: [] };
    await Promise.all(containers.map(async (info) => {
      const identity = identityIn(info.Labels, this.tools.homeId);
      if (identity === null || this.tracked.has(identity.incarnation)) return;
      if (identity.task !== null) return this.tasks.clearLeft(info.Id);
      // Made, and never started: the daemon was killed in between.
      if (info.State === 'created') return this.removeNow(info.Id, networkOf(info));
      const { ref, incarnation } = identity;
      const inspected = await this.connection.call((engine) => engine.getContainer(info.Id).inspect());
      const facts = { pid: inspected.State.Pid, startedAt: timeOf(inspected.State.StartedAt) ?? new Date() };
      const tracked = new TrackedContainer(ref, incarnation, this.engine, info.Id, info.Names[0]?.replace(/^\//, '') ?? info.Id.slice(0, 12), this.logOf(ref, info.Id), facts);
      tracked.network = networkOf(info);
      this.track(tracked);
      const end = exitOf(inspected);
      if (end === null) {
        report.living.push(tracked.describe());
        tracked.log.follow();
      } else {
        await tracked.log.finish();
        tracked.finish(exitReport(tracked, end));
        report.exited.push(exitReport(tracked, end));
      }
    }));
    return report;
  }

  /** What a launch left that was believed to have failed, because the engine went away in the middle of it. */
  private async removeLeaked(containers: readonly ContainerInfo[]): Promise<void> {
    for (const info of containers) {
      const identity = identityIn(info.Labels, this.tools.homeId);
      if (identity === null || identity.task !== null || this.tracked.has(identity.incarnation) || this.launcher.isUnderWay(identity.ref)) continue;
      await this.removeNow(info.Id, networkOf(info));
    }
  }

  /** Makes room for a new incarnation: removes what is left of failed launches. @throws HiveError CONFLICT when one lives */
  private async freeOrRefuse(ref: InstanceRef): Promise<void> {
    const there = await this.connection.call((engine) => engine.listContainers({ all: true, filters: { label: ofInstance(this.tools.homeId, ref) } }));
    for (const info of there) {
      const identity = identityIn(info.Labels, this.tools.homeId);
      if (identity === null || identity.task !== null) continue;
      const tracked = this.tracked.get(identity.incarnation);
      if (tracked !== undefined) {
        const state = tracked.end === null ? 'living' : 'exited';
        const said = tracked.end === null ? 'is running already' : 'has ended, and that is not on record yet';
        throw new HiveError('CONFLICT', `${instanceKey(ref)} ${said}.`, { data: { state, incarnation: identity.incarnation } });
      }
      await this.removeNow(info.Id, networkOf(info));
    }
  }

  private happened(container: string, action: string): void {
    const tracked = this.byContainer.get(container);
    if (tracked === undefined || action.startsWith('exec_')) return;
    if (/^(?:die|died|oom|destroy|remove|stop|kill)/.test(action)) void this.settle(tracked);
  }

  /** Looks whether a container has ended, and if so reads its log to the end and tells. Safe to be called at any time. */
  private async settle(tracked: TrackedContainer): Promise<void> {
    if (tracked.end !== null || tracked.settling) return;
    tracked.settling = true;
    try {
      const end = await this.endOf(tracked.container);
      if (end === null) return;
      await tracked.log.finish();
      const exit = exitReport(tracked, end);
      tracked.finish(exit);
      // A launch that has not been answered yet comes first: its caller is to know of it before it hears of its end.
      if (this.tracked.get(tracked.incarnation) === tracked) for (const listener of this.exitListeners) listener(exit);
    } catch {
      // The engine has gone again: the next resync looks anew.
    } finally {
      tracked.settling = false;
    }
  }

  private async endOf(container: string): Promise<ReturnType<typeof exitOf>> {
    try {
      return exitOf(await this.connection.call((engine) => engine.getContainer(container).inspect()));
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      return { exit: { kind: 'unknown', reason: 'its container was removed by somebody else' }, at: new Date(), startedAt: null };
    }
  }

  /** With its anonymous volumes, and its network when it was the last in one of Hive's. What cannot be removed now, is later. */
  private removeNow(container: string, network: string | null | undefined): Promise<void> {
    this.removals.set(container, network ?? null);
    const removed = this.tryToRemove(container, network).finally(() => this.removing.delete(removed));
    this.removing.add(removed);
    return removed;
  }

  private async tryToRemove(container: string, network: string | null | undefined): Promise<void> {
    try {
      await this.connection.call((engine) => engine.getContainer(container).remove({ v: true, force: true }) as Promise<unknown>);
    } catch (error) {
      const status = statusOf(error);
      // 404: it is gone; 409: somebody is removing it already.
      if (status === null) return;
      if (status !== 404 && status !== 409) this.tools.warn(`The container ${container.slice(0, 12)} of ${this.engine.type} could not be removed: ${String(error)}`);
    }
    this.removals.delete(container);
    this.usage.forget(container);
    if (mayBeOurs(network) && this.launcher.idle) await removeUnused(this.connection, this.tools.homeId).catch(() => undefined);
  }

  private logOf(ref: InstanceRef, container: string): ContainerLog {
    const { logs, home, warn } = this.tools;
    return new ContainerLog({ connection: this.connection, logs, home, ref, container, warn });
  }

  private track(tracked: TrackedContainer): void {
    this.tracked.set(tracked.incarnation, tracked);
    this.byContainer.set(tracked.container, tracked);
  }

  private untrack(tracked: TrackedContainer): void {
    this.tracked.delete(tracked.incarnation);
    this.byContainer.delete(tracked.container);
  }
}

/** Docker says the mode, Podman only the networks themselves. */
function networkOf({ HostConfig, NetworkSettings }: { HostConfig?: ContainerInfo['HostConfig']; NetworkSettings?: ContainerInfo['NetworkSettings'] }): string | null {
  return HostConfig?.NetworkMode ?? Object.keys(NetworkSettings?.Networks ?? {})[0] ?? null;
}

function exitReport({ ref, incarnation, facts }: TrackedContainer, { exit, at, startedAt, diagnosis }: NonNullable<ReturnType<typeof exitOf>>): InstanceExit {
  return {
    ref, incarnation, exit, at,
    startedAt: startedAt ?? facts.startedAt,
    ...(facts.pid === 0 ? {} : { pid: facts.pid }),
    ...(diagnosis === undefined ? {} : { diagnosis }),
  };
}
