import type { ContainerInfo } from 'dockerode';
import { dirname } from 'node:path';
import { HiveError } from '../../../shared/errors/index.js';
import { Mutex } from '../../logs/mutex.js';
import { execInside } from '../docker/container-exec.js';
import { ContainerLog } from '../docker/container-log.js';
import { climbDown } from '../docker/container-stop.js';
import { UsageOfContainers } from '../docker/container-usage.js';
import { EngineConnection } from '../docker/engine-connection.js';
import { statusOf } from '../docker/engine-error.js';
import { exitOf, timeOf } from '../docker/exit-of.js';
import { flavours } from '../docker/flavour.js';
import { TrackedContainer } from '../docker/tracked-container.js';
import type { ComposeCommand } from '../instance-command.js';
import type { EngineTools } from '../open-engine.js';
import {
  instanceKey,
  type AdoptReport, type Availability, type EngineRef, type EngineRunner, type ExecReport, type ExecRequest, type ExitResult, type InstanceExit,
  type InstanceRef, type InstanceUsage, type LaunchRequest, type LiveProcess, type RunningInstance, type StopOptions, type StopReport,
} from '../runner.js';
import type { TaskReport, TaskRequest } from '../task.js';
import { ComposeGroup, inOrder } from './compose-group.js';
import { composeIdentity, composeLabels, composesOwn, ofHome, projectOf } from './compose-labels.js';
import { composeOverride } from './compose-override.js';
import { ComposeProgram } from './compose-program.js';
import { ComposeTasks } from './compose-tasks.js';
import { clearLaunchMarks, LaunchMark } from './launch-mark.js';
import { ProjectRemains } from './project-remains.js';

/**
 * Runs one service of a compose file, or all of them, as one instance. Compose itself is asked for one thing only: to make
 * and start the containers, with a second file laid over the user's that has Hive's labels and the service's environment.
 * From then on the engine is asked, by these labels: for ends, logs, figures and commands, and to stop and remove what is
 * there, which works although the file may be broken or gone by then.
 */
export class ComposeRunner implements EngineRunner<ComposeCommand> {
  private readonly connection: EngineConnection;
  private readonly program: ComposeProgram;
  private readonly usage: UsageOfContainers;
  private readonly remains: ProjectRemains;
  private readonly tasks: ComposeTasks;
  private readonly groups = new Map<string, ComposeGroup>();
  private readonly underWay = new Set<string>();
  /** Compose must not work twice on one project at a time. */
  private readonly projects = new Map<string, Mutex>();
  private readonly exitListeners = new Set<(exit: InstanceExit) => void>();
  private readonly availabilityListeners = new Set<(availability: Availability) => void>();
  private adopted: AdoptReport | null = null;
  private givenUp = false;
  private closed = false;

  constructor(readonly engine: EngineRef & { readonly type: 'compose' }, private readonly tools: EngineTools) {
    this.program = new ComposeProgram(engine.socket);
    this.connection = new EngineConnection({
      engine, labels: ofHome(tools.homeId),
      onEvent: (container, action) => this.happened(container, action),
      resync: () => this.resync(),
      onAvailability: (availability) => { for (const listener of this.availabilityListeners) listener(availability); },
    });
    this.usage = new UsageOfContainers(this.connection, flavours.docker);
    this.remains = new ProjectRemains(this.connection, tools.warn);
    this.tasks = new ComposeTasks(this.connection, this.program, tools, (project) => this.inProject(project, () => this.remains.remove([], project)));
    this.connection.open();
  }

  async launch(request: LaunchRequest<ComposeCommand>): Promise<RunningInstance> {
    const { ref, command } = request;
    if (this.closed) throw new HiveError('SHUTTING_DOWN', `${instanceKey(ref)} is not started: this daemon is stopping.`);
    const key = instanceKey(ref);
    if (this.underWay.has(key)) throw new HiveError('CONFLICT', `${key} is being started already.`, { data: { state: 'starting' } });
    this.underWay.add(key);
    const project = projectOf(this.tools.homeId, ref, command);
    try {
      await this.freeOrRefuse(ref);
      const group = await this.inProject(project, () => this.bringUp(request, project));
      this.groups.set(group.incarnation, group);
      for (const member of group.members) void this.settle(group, member);
      return group.describe();
    } finally {
      this.underWay.delete(key);
    }
  }

  async stop(instance: RunningInstance, options: StopOptions): Promise<StopReport> {
    const began = performance.now();
    const group = this.groups.get(instance.incarnation);
    if (group === undefined) return { exit: { kind: 'unknown', reason: 'Its end is not on record any more.' }, by: 'already-gone', tookMs: 0 };
    group.stopping = true;
    const ladder: StopReport['by'][] = [];
    // What was made last depends on what was made before it.
    for (const member of [...group.members].reverse()) {
      ladder.push(await climbDown(this.connection, member, options, () => this.givenUp, () => this.settle(group, member)));
    }
    const by = ladder.find((one) => one === 'kill') ?? ladder.find((one) => one === 'signal') ?? 'already-gone';
    const exit: ExitResult = group.end?.exit ?? group.main?.end?.exit ?? { kind: 'unknown', reason: 'its end is not known' };
    group.end ??= { ref: group.ref, incarnation: group.incarnation, exit, at: new Date(), startedAt: group.startedAt };
    // The daemon is ending, and will not come to it.
    if (this.givenUp) await this.forget(group.ref, group.incarnation);
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
    const group = this.groups.get(incarnation);
    if (group === undefined) return;
    if (group.end === null) throw new HiveError('CONFLICT', `${instanceKey(ref)} is running already.`, { data: { state: 'living', incarnation } });
    this.groups.delete(incarnation);
    for (const { log } of group.members) await log.remove();
    await this.inProject(group.project, () => this.remains.remove(group.members.map(({ container }) => container), group.project));
  }

  async liveTreeOf(instance: RunningInstance): Promise<LiveProcess[]> {
    const members = this.groups.get(instance.incarnation)?.members ?? [];
    return members.filter(({ end }) => end === null).map((member) => ({ pid: member.facts.pid, command: member.describeForPeople() }));
  }

  exec(instance: RunningInstance, request: ExecRequest): Promise<ExecReport> {
    return execInside(this.connection, this.groups.get(instance.incarnation)?.main?.container ?? '', request);
  }

  /** The sum of its containers. */
  async stats(instances: readonly RunningInstance[]): Promise<InstanceUsage[]> {
    const looks = await Promise.allSettled(instances.map(async ({ ref, incarnation }): Promise<InstanceUsage> => {
      const living = (this.groups.get(incarnation)?.members ?? []).filter(({ end }) => end === null);
      const usages = await Promise.all(living.map(({ container, facts }) => this.usage.of(container, facts.startedAt)));
      const sum = (of: 'cpu' | 'memoryBytes' | 'threads'): number => usages.reduce((all, one) => all + one[of], 0);
      return { ref, incarnation, cpu: sum('cpu'), memoryBytes: sum('memoryBytes'), threads: sum('threads'), openFiles: 0 };
    }));
    return looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []));
  }

  runTask(request: TaskRequest<ComposeCommand>, signal: AbortSignal): Promise<TaskReport> {
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
    this.connection.close();
    await Promise.all([...this.groups.values()].flatMap(({ members }) => members.map(({ log }) => log.close())));
  }

  /** @throws HiveError SPAWN_FAILED: nothing of it is left then */
  private async bringUp({ ref, incarnation, command, environment, onProgress, stillWanted }: LaunchRequest<ComposeCommand>, project: string): Promise<ComposeGroup> {
    const mark = LaunchMark.make(this.tools.home, incarnation);
    const abort = new AbortController();
    const watching = setInterval(() => { if (stillWanted?.() === false) abort.abort(); }, 200);
    const call = { environment, workingDirectory: dirname(command.file), signal: abort.signal, onPid: (pid: number) => mark.startedBy(pid) };
    const files = ['--project-name', project, '--project-directory', dirname(command.file), '--file', command.file];
    try {
      const services = command.service === null ? (await this.program.run({ ...call, words: [...files, 'config', '--services'] })).split('\n').filter((name) => name !== '') : [command.service];
      const override = mark.writeOverride(composeOverride({
        services, labels: composeLabels(this.tools.homeId, ref, incarnation),
        only: command.service === null ? null : { environment, stopSignal: command.stopSignal },
      }));
      const what = command.service === null ? [] : ['--no-deps', command.service];
      await this.program.run({ ...call, words: [...files, '--file', override, 'up', '--detach', '--force-recreate', ...what], onLine: (line) => onProgress?.(line.trim()) });
      return await this.groupOf(ref, incarnation, project, await this.containersOf(incarnation), true);
    } catch (error) {
      const made = await this.containersOf(incarnation).catch(() => []);
      await this.remains.remove(made.map(({ Id }) => Id), project);
      throw error;
    } finally {
      clearInterval(watching);
      mark.remove();
    }
  }

  private async groupOf(ref: InstanceRef, incarnation: string, project: string, containers: readonly ContainerInfo[], fresh: boolean): Promise<ComposeGroup> {
    if (containers.length === 0) throw new HiveError('SPAWN_FAILED', `Compose started no container for ${instanceKey(ref)}.`, { next: 'See whether its service has replicas, and no profile that is off.' });
    const ordered = inOrder(containers);
    const members = await Promise.all(ordered.map(async (info) => {
      const { State: state } = await this.connection.call((engine) => engine.getContainer(info.Id).inspect());
      const name = info.Names[0]?.replace(/^\//, '') ?? info.Id.slice(0, 12);
      const service = info.Labels[composesOwn.service] ?? name;
      const { logs, home, warn } = this.tools;
      const log = new ContainerLog({
        connection: this.connection, logs, home, ref, container: info.Id, warn,
        ...(ordered.length === 1 ? {} : { cursor: `${ref.number}.${service}.${info.Id.slice(0, 12)}`, prefix: `${service} | ` }),
      });
      return new TrackedContainer(ref, incarnation, this.engine, info.Id, name, log, { pid: state.Pid, startedAt: timeOf(state.StartedAt) ?? new Date() });
    }));
    for (const { log } of members) {
      if (fresh) await log.begin();
      log.follow();
    }
    return new ComposeGroup(ref, incarnation, project, this.engine, members);
  }

  /** The engine is there (again): looks at all that is ours. */
  private async resync(): Promise<void> {
    this.adopted ??= await this.takeOver();
    for (const group of this.groups.values()) {
      if (group.end === null) await Promise.all(group.members.map((member) => this.settle(group, member)));
    }
  }

  /** What earlier daemons left: instances that live or have ended, launches that were not done, and tasks. */
  private async takeOver(): Promise<AdoptReport> {
    const unfinished = clearLaunchMarks(this.tools.home);
    const containers = await this.connection.call((engine) => engine.listContainers({ all: true, filters: { label: ofHome(this.tools.homeId) } }));
    const byIncarnation = new Map<string, ContainerInfo[]>();
    for (const info of containers) {
      const identity = composeIdentity(info.Labels, this.tools.homeId);
      if (identity === null) continue;
      if (identity.task !== null) this.tasks.clearLeft(info.Id);
      else byIncarnation.set(identity.incarnation, [...(byIncarnation.get(identity.incarnation) ?? []), info]);
    }
    const report: { living: RunningInstance[]; exited: InstanceExit[] } = { living: [], exited: [] };
    for (const [incarnation, infos] of byIncarnation) {
      const { ref } = composeIdentity(infos[0]?.Labels, this.tools.homeId) as NonNullable<ReturnType<typeof composeIdentity>>;
      const project = infos[0]?.Labels[composesOwn.project] ?? '';
      if (unfinished.has(incarnation)) {
        await this.remains.remove(infos.map(({ Id }) => Id), project);
        continue;
      }
      const group = await this.groupOf(ref, incarnation, project, infos, false);
      this.groups.set(incarnation, group);
      await Promise.all(group.members.map((member) => this.look(member)));
      group.end = group.outcome();
      if (group.end === null) report.living.push(group.describe());
      else report.exited.push(group.end);
    }
    return report;
  }

  private happened(container: string, action: string): void {
    if (!/^(?:die|died|oom|destroy|remove|stop|kill)/.test(action)) return;
    for (const group of this.groups.values()) {
      const member = group.members.find((one) => one.container === container);
      if (member !== undefined) void this.settle(group, member);
    }
  }

  /** Looks whether a container has ended, and tells when the whole has by that. Safe to be called at any time. */
  private async settle(group: ComposeGroup, member: TrackedContainer): Promise<void> {
    if (!(await this.look(member)) || group.end !== null || group.stopping) return;
    group.end = group.outcome();
    if (group.end !== null && this.groups.get(group.incarnation) === group) for (const listener of this.exitListeners) listener(group.end);
  }

  /** Says whether it has ended, with its log complete. */
  private async look(member: TrackedContainer): Promise<boolean> {
    if (member.end !== null) return true;
    if (member.settling) return false;
    member.settling = true;
    try {
      const end = await this.endOf(member.container);
      if (end === null) return false;
      await member.log.finish();
      const { ref, incarnation, facts } = member;
      member.finish({
        ref, incarnation, exit: end.exit, at: end.at, startedAt: end.startedAt ?? facts.startedAt,
        ...(facts.pid === 0 ? {} : { pid: facts.pid }), ...(end.diagnosis === undefined ? {} : { diagnosis: end.diagnosis }),
      });
      return true;
    } catch {
      // The engine has gone again: the next resync looks anew.
      return false;
    } finally {
      member.settling = false;
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

  private async containersOf(incarnation: string): Promise<ContainerInfo[]> {
    return this.connection.call((engine) => engine.listContainers({ all: true, filters: { label: [...ofHome(this.tools.homeId), `hive.compose.incarnation=${incarnation}`] } }));
  }

  /** Makes room for a new incarnation: removes what is left of failed launches. @throws HiveError CONFLICT when one lives */
  private async freeOrRefuse(ref: InstanceRef): Promise<void> {
    const other = [...this.groups.values()].find((group) => group.key === instanceKey(ref));
    if (other !== undefined) {
      throw new HiveError('CONFLICT', `${instanceKey(ref)} ${other.end === null ? 'is running already' : 'has ended, and that is not on record yet'}.`, {
        data: { state: other.end === null ? 'living' : 'exited', incarnation: other.incarnation },
      });
    }
    const containers = await this.connection.call((engine) => engine.listContainers({ all: true, filters: { label: [...ofHome(this.tools.homeId), `hive.compose.service=${ref.source}:${ref.service}`, `hive.compose.instance=${ref.number}`] } }));
    const left = containers.filter(({ Labels }) => composeIdentity(Labels, this.tools.homeId)?.task === null);
    await this.remains.remove(left.map(({ Id }) => Id), left[0]?.Labels[composesOwn.project] ?? '');
  }

  private inProject<Answer>(project: string, work: () => Promise<Answer>): Promise<Answer> {
    const mutex = this.projects.get(project) ?? new Mutex();
    this.projects.set(project, mutex);
    return mutex.run(work);
  }
}
