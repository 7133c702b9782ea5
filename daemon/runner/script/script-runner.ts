import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { readProcess } from '../../../shared/process/proc-table.js';
import { isGone, type ProcessRow } from '../../../shared/process/process-row.js';
import { mayBeSignalled } from '../../../shared/process/send-signal.js';
import {
  instanceKey,
  type AdoptReport,
  type InstanceExit,
  type InstanceRef,
  type LaunchRequest,
  type LiveProcess,
  type Runner,
  type RunningInstance,
  type StopOptions,
  type StopReport,
} from '../runner.js';
import type { TaskReport, TaskRequest } from '../task.js';
import { adoptSurvivors } from './adopt-survivors.js';
import { Doorbell, type Ring } from './doorbell.js';
import { readInstanceState } from './instance-state.js';
import { makeCgroups, pidsInCgroups, removeOldCgroups } from './instance-cgroups.js';
import { LaunchOrders, type LaunchOutcome } from './launch-orders.js';
import { Launcher, preferredShell } from './launcher.js';
import { loopShare } from './loop-share.js';
import { planLaunch, spawnFailed, writeNewFile, type LaunchPlan } from './plan-launch.js';
import { removeLeftovers, removeRecord } from './record-file.js';
import { runFolderOf, runRootOf } from './run-folder.js';
import type { ScriptCommand } from './script-command.js';
import { ScriptTasks } from './script-tasks.js';
import { settleInstance, type SettledState } from './settle-instance.js';
import { findMembers } from './stop/find-members.js';
import type { TreeOwner } from './stop/instance-tree.js';
import { climbDown } from './stop/stop-ladder.js';
import { describeProcess } from './stop/survivors.js';
import { WatchedInstance, WatchedInstances } from './watched-instances.js';

export interface ScriptRunnerOptions {
  /** `$HIVE_HOME`, absolute; run folders go under `run/` in it. */
  readonly home: string;
  /** What every instance's environment starts from; see `allowListedEnvironment`. */
  readonly baseEnvironment: Readonly<Record<string, string>>;
  /** The words that start the launcher's shell; default dash where there is one, else /bin/sh. */
  readonly launcherShell?: readonly string[];
  /** Called with what a listener threw; default: a process warning. */
  readonly onDefect?: (error: unknown) => void;
}

const attempts = 3;
const exitWordWaitMs = 1_000;

/** Runs instances as processes of this machine, each under a shim that outlives the daemon. */
export class ScriptRunner implements Runner<ScriptCommand> {
  private readonly doorbell: Doorbell;
  private readonly launcher: Launcher;
  private readonly orders = new LaunchOrders();
  private readonly watched: WatchedInstances;
  private readonly starting = new Set<string>();
  private readonly tasks: ScriptTasks;
  private readonly sparedSessions: ReadonlySet<number> = new Set([readProcess(process.pid)?.sessionId ?? 0]);
  private closed = false;

  constructor(private readonly options: ScriptRunnerOptions) {
    if (/[\r\n]/.test(options.home)) throw new HiveError('HOME_REFUSED', 'The home folder has a line break in its name.', { next: 'Choose another HIVE_HOME.' });
    const root = runRootOf(options.home);
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const doorbellPath = path.join(root, '.exits');
    this.watched = new WatchedInstances(
      () => {
        this.doorbell.look();
        this.launcher.reap();
      },
      options.onDefect ?? ((error) => process.emitWarning(`A listener for exits failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)),
    );
    this.doorbell = new Doorbell(doorbellPath, (rings) => this.heard(rings), () => this.lookAgain());
    this.launcher = new Launcher(options.launcherShell ?? [preferredShell()], doorbellPath, () => this.orders.abandon('launcher-died'));
    this.launcher.start();
    this.tasks = new ScriptTasks(options.home, {
      launch: async (request) => {
        const { incarnation } = await this.launch(request);
        return this.watched.get(incarnation) as WatchedInstance;
      },
      watch: (instance) => this.watched.add(instance),
      stop: (instance, stop) => this.stop(instance, stop),
      forget: (ref, incarnation) => this.forget(ref, incarnation),
    });
  }

  async launch(request: LaunchRequest<ScriptCommand>): Promise<RunningInstance> {
    const folder = runFolderOf(this.options.home, request.ref);
    const key = instanceKey(request.ref);
    if (this.closed) throw new HiveError('SHUTTING_DOWN', `${key} is not started: this daemon is stopping.`);
    if (this.starting.has(key)) throw conflict(request.ref, 'starting', null);
    if (this.watched.get(request.incarnation) !== undefined) throw conflict(request.ref, 'living', request.incarnation);
    this.starting.add(key);
    try {
      await loopShare();
      return await this.launchInto(folder, request, planLaunch(request, folder, this.options.baseEnvironment));
    } catch (error) {
      removeLeftovers(folder, request.incarnation);
      throw error;
    } finally {
      this.starting.delete(key);
    }
  }

  async stop(instance: RunningInstance, options: StopOptions): Promise<StopReport> {
    const started = performance.now();
    const watched = this.watched.get(instance.incarnation);
    const ended: Promise<unknown> = watched?.ended ?? Promise.resolve();
    const owner = this.ownerOf(instance);
    const by = await climbDown({ ref: instance.ref, main: owner.main, ended, members: () => this.members(owner) }, options);
    const exit = watched === undefined ? null : await this.exitWord(watched);
    return {
      exit: exit?.exit ?? { kind: 'unknown', reason: 'Its end is not on record any more.' },
      by,
      tookMs: performance.now() - started,
    };
  }

  runTask(request: TaskRequest<ScriptCommand>, signal: AbortSignal): Promise<TaskReport> {
    return this.tasks.run(request, signal);
  }

  tasksCleared(): Promise<void> {
    return this.tasks.cleared();
  }

  async adopt(): Promise<AdoptReport> {
    this.tasks.clearLeft();
    const { living, exited } = await adoptSurvivors(this.options.home);
    for (const instance of living) this.watched.add(instance);
    for (const { instance, end } of exited) this.watched.addEnded(instance, end);
    // What ended between the scan and now has rung before it was watched. Told only after the caller has the report.
    setImmediate(() => this.lookAgain());
    return { living: living.map((instance) => instance.describe()), exited: exited.map(({ end }) => end) };
  }

  onExit(listener: (exit: InstanceExit) => void): () => void {
    return this.watched.onExit((exit) => { if (exit.ref.task === undefined) listener(exit); });
  }

  async forget(ref: InstanceRef, incarnation: string): Promise<void> {
    const folder = runFolderOf(this.options.home, ref);
    const state = readInstanceState(folder);
    if ('incarnation' in state && state.incarnation === incarnation) {
      if (state.kind === 'running' || state.kind === 'starting') throw conflict(ref, 'living', incarnation);
      removeRecord(folder, incarnation);
    }
    removeLeftovers(folder, incarnation);
    this.watched.forget(incarnation);
  }

  async liveTreeOf(instance: RunningInstance): Promise<LiveProcess[]> {
    return (await this.members(this.ownerOf(instance))).map(describeProcess);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.watched.close();
    this.launcher.close();
    this.orders.abandon('silent');
    this.doorbell.close();
  }

  private async launchInto(folder: string, request: LaunchRequest<ScriptCommand>, plan: LaunchPlan): Promise<RunningInstance> {
    const { ref, incarnation } = request;
    for (let attempt = 1; ; attempt += 1) {
      if (readInstanceState(folder).kind !== 'free') await this.freeOrRefuse(folder, ref);
      const outcome = await this.order(folder, request, plan, `${incarnation}.${attempt}`);
      if (outcome.kind === 'started') {
        removeOrder(folder, `${incarnation}.${attempt}`);
        return this.watch(ref, incarnation, folder, outcome, plan).describe();
      }
      removeOrder(folder, `${incarnation}.${attempt}`);
      const state = await settleInstance(folder);
      if (state.kind === 'running' && state.incarnation === incarnation) return this.watch(ref, incarnation, folder, state, plan).describe();
      if (state.kind === 'ended' && state.incarnation === incarnation && state.main !== null) {
        const instance = this.watch(ref, incarnation, folder, { main: state.main, shim: null }, plan);
        setImmediate(() => this.watched.look(incarnation));
        return instance.describe();
      }
      await this.freeOrRefuse(folder, ref, incarnation, state);
      if (this.closed) throw spawnFailed(request, 'this daemon is stopping.');
      const worthAnother = outcome.why === 'refused' || outcome.why === 'launcher-died';
      if (!worthAnother || attempt >= attempts) throw spawnFailed(request, reasonFor(outcome.why, folder), 'Look whether the disk of the home folder is full.');
    }
  }

  /** Frees a lock that nobody living holds; throws CONFLICT when the instance is taken. `failed` never came to life. */
  private async freeOrRefuse(folder: string, ref: InstanceRef, failed?: string, known?: SettledState): Promise<void> {
    const state = known ?? (await settleInstance(folder));
    switch (state.kind) {
      case 'free':
        return;
      case 'unwritten':
        return removeRecord(folder, null);
      case 'declined':
        return removeRecord(folder, state.incarnation);
      case 'running':
        throw conflict(ref, 'living', state.incarnation);
      case 'ended':
        if (state.incarnation !== failed) throw conflict(ref, 'exited', state.incarnation);
        return removeRecord(folder, failed);
    }
  }

  private async order(folder: string, request: LaunchRequest<ScriptCommand>, plan: LaunchPlan, order: string): Promise<LaunchOutcome> {
    try {
      const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
      if (!isNew) {
        removeLeftovers(folder, request.incarnation);
        removeOldCgroups(folder);
      }
      if (plan.script !== null) writeNewFile(plan.script.path, plan.script.text, 0o700);
      const cgroups = request.limits === undefined ? [] : makeCgroups(folder, request.incarnation, request.limits);
      writeNewFile(path.join(folder, `launch.${order}`), plan.launchText(cgroups), 0o600);
    } catch (error) {
      removeOrder(folder, order);
      throw spawnFailed(request, error instanceof Error ? error.message : String(error));
    }
    const outcome = this.orders.await(request.incarnation, order, folder);
    this.launcher.give(order, folder);
    return outcome;
  }

  private watch(ref: InstanceRef, incarnation: string, folder: string, found: Pick<WatchedInstance, 'main' | 'shim'>, plan: LaunchPlan): WatchedInstance {
    const watched = this.watched.get(incarnation) ?? new WatchedInstance(ref, incarnation, folder, found.main, found.shim, plan.startedWith);
    if (watched.end === null) this.watched.add(watched);
    return watched;
  }

  private heard(rings: readonly Ring[]): void {
    for (const ring of rings) {
      const launching = this.orders.has(ring.incarnation);
      if (launching) this.orders.answer(ring);
      // The launch that this ring's start has just answered is to resolve before its end is told.
      else if (ring.kind === 'exited' && this.watched.get(ring.incarnation) === undefined) setImmediate(() => this.watched.look(ring.incarnation));
      else if (ring.kind === 'exited') this.watched.look(ring.incarnation);
    }
  }

  private lookAgain(): void {
    if (!this.closed) this.watched.lookAtAll();
  }

  private ownerOf(instance: RunningInstance): TreeOwner {
    return { incarnation: instance.incarnation, main: this.watched.get(instance.incarnation)?.main ?? null, known: new Map() };
  }

  private async members(owner: TreeOwner): Promise<ProcessRow[]> {
    const rows = await findMembers(owner, this.sparedSessions, () => this.watched.livingPids());
    const folder = this.watched.get(owner.incarnation)?.folder;
    if (folder === undefined) return rows;
    const found = new Set(rows.map(({ pid }) => pid));
    const others = pidsInCgroups(folder, owner.incarnation).filter((pid) => !found.has(pid) && mayBeSignalled(pid));
    return [...rows, ...others.flatMap((pid) => readProcess(pid) ?? []).filter((row) => !isGone(row))];
  }

  /** The shim's word on how a service ended, for which a moment may be needed after its last process has gone. */
  private async exitWord(watched: WatchedInstance): Promise<InstanceExit | null> {
    for (const started = performance.now(); watched.end === null && performance.now() - started < exitWordWaitMs; ) {
      this.watched.look(watched.incarnation);
      if (watched.end === null) await Promise.race([watched.ended, new Promise((resolve) => setTimeout(resolve, exitWordWaitMs / 4))]);
    }
    return watched.end;
  }
}

function removeOrder(folder: string, order: string): void {
  rmSync(path.join(folder, `launch.${order}`), { force: true });
}

function conflict(ref: InstanceRef, state: 'living' | 'starting' | 'exited', incarnation: string | null): HiveError {
  const said = { living: 'is running already', starting: 'is being started already', exited: 'has ended, and that is not on record yet' }[state];
  return new HiveError('CONFLICT', `${instanceKey(ref)} ${said}.`, { data: { state, ...(incarnation === null ? {} : { incarnation }) } });
}

function reasonFor(why: Extract<LaunchOutcome, { kind: 'unclear' }>['why'], folder: string): string {
  switch (why) {
    case 'refused':
      return 'somebody else keeps taking its lock.';
    case 'launcher-died':
      return 'the launcher (a small shell process) does not stay alive.';
    case 'declined':
    case 'failed':
    case 'silent':
      return `its shim could not write its record in ${folder}.`;
  }
}
