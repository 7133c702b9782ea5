import { HiveError, toHiveError } from '../../shared/errors/index.js';
import type { EngineMemory } from './engine-memory.js';
import type { InstanceCommand } from './instance-command.js';
import {
  engineKey,
  type AdoptReport,
  type EngineRef,
  type EngineRunner,
  type ExecReport,
  type ExecRequest,
  type InstanceExit,
  type InstanceRef,
  type InstanceUsage,
  type LaunchRequest,
  type LiveProcess,
  type ReplicaUpdate,
  type Runner,
  type RunningInstance,
  type StopOptions,
  type StopReport,
} from './runner.js';
import type { TaskReport, TaskRequest } from './task.js';
import type { ScriptCommand } from './script/script-command.js';

/** Why an engine takes nothing now. */
export interface EngineTrouble {
  /** Without a full stop. */
  readonly sentence: string;
  /** It is over in a moment, without anybody doing anything. */
  readonly passes: boolean;
}

export interface RunnersOptions {
  readonly script: Runner<ScriptCommand>;
  /** Makes the runner of an engine, loading what it needs. Called once an engine, when a service first names it. */
  readonly open: (engine: EngineRef) => Promise<EngineRunner<InstanceCommand>>;
  /** Which engines earlier daemons used: what they started there is looked for, whatever the sources say now. */
  readonly memory: EngineMemory;
  readonly warn: (sentence: string) => void;
}

/** How long a daemon that comes up waits for the engines that were used before, so that what lives there is adopted at once. */
const surveyWaitMs = 1_000;

type Opened =
  | { readonly kind: 'opening' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'open'; readonly runner: EngineRunner<InstanceCommand>; surveyed: boolean };

/**
 * All runners as one: scripts, and an engine runner for each engine that is in use, opened when it is first needed. An
 * engine has to be *surveyed* (asked what lives there) before anything is launched in it; until then nobody knows what
 * runs there, and its services are held as they are.
 */
export class Runners implements Runner<InstanceCommand> {
  private readonly engines = new Map<string, Opened>();
  /** Who runs an incarnation, as long as it is not forgotten. */
  private readonly owners = new Map<string, Runner<InstanceCommand>>();
  private readonly exitListeners = new Set<(exit: InstanceExit) => void>();
  private readonly movedListeners = new Set<(instance: RunningInstance) => void>();
  private readonly changeListeners = new Set<(engine: EngineRef) => void>();
  private readonly surveyListeners = new Set<(engine: EngineRef, report: AdoptReport) => void>();
  private givenUp = false;
  private closed = false;

  constructor(private readonly options: RunnersOptions) {
    options.script.onExit((exit) => this.tellExit(exit));
  }

  /** Why nothing can be started there now; null: it can be. Opens an engine that nobody has named before. */
  trouble(engine: EngineRef | null): EngineTrouble | null {
    if (engine === null) return null;
    const opened = this.engines.get(engineKey(engine)) ?? this.openNow(engine);
    switch (opened.kind) {
      case 'opening':
        return beingAsked(engine);
      case 'failed':
        return { sentence: opened.why, passes: false };
      case 'open': {
        const availability = opened.runner.availability();
        if (!availability.ok && availability.notAskedYet === true) return beingAsked(engine);
        if (!availability.ok) return { sentence: `ENGINE_UNAVAILABLE: ${availability.why}; start it with: ${availability.next}`, passes: false };
        return opened.surveyed ? null : beingAsked(engine);
      }
    }
  }

  /** Whether it is known what lives there. */
  isSurveyed(engine: EngineRef | null): boolean {
    if (engine === null) return true;
    const opened = this.engines.get(engineKey(engine)) ?? this.openNow(engine);
    return opened.kind === 'open' && opened.surveyed;
  }

  /** Whether this home has ever started something there. */
  hasUsed(engine: EngineRef): boolean {
    return this.options.memory.used().some((used) => engineKey(used) === engineKey(engine));
  }

  /** Calls back when `trouble` of an engine may answer otherwise than before. */
  onChange(listener: (engine: EngineRef) => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /** Calls back with what lives in an engine that answered only after `adopt` was over. */
  onSurveyed(listener: (engine: EngineRef, report: AdoptReport) => void): () => void {
    this.surveyListeners.add(listener);
    return () => this.surveyListeners.delete(listener);
  }

  /** What lives on this machine, and in the engines used before as far as they answer at once; see `onSurveyed` for the rest. */
  async adopt(): Promise<AdoptReport> {
    const used = this.options.memory.used();
    if (used.length === 0) return this.options.script.adopt();
    const reports: AdoptReport[] = [];
    let over = false;
    const surveyed = used.map((engine) => this.open(engine, (report) => {
      if (over) this.tellSurveyed(engine, report);
      else reports.push(report);
    }));
    const [ofScripts] = await Promise.all([this.options.script.adopt(), Promise.race([Promise.allSettled(surveyed), after(surveyWaitMs)])]);
    over = true;
    return { living: [ofScripts, ...reports].flatMap(({ living }) => living), exited: [ofScripts, ...reports].flatMap(({ exited }) => exited) };
  }

  async launch(request: LaunchRequest<InstanceCommand>): Promise<RunningInstance> {
    const { command, incarnation } = request;
    if (command.type === 'script') return this.options.script.launch({ ...request, command });
    const runner = this.openRunner(command.engine);
    this.owners.set(incarnation, runner);
    try {
      return await runner.launch(request);
    } catch (error) {
      this.owners.delete(incarnation);
      throw error;
    }
  }

  stop(instance: RunningInstance, options: StopOptions): Promise<StopReport> {
    return this.ownerOf(instance).stop(instance, options);
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
    await (this.owners.get(incarnation) ?? this.options.script).forget(ref, incarnation);
    this.owners.delete(incarnation);
  }

  liveTreeOf(instance: RunningInstance): Promise<LiveProcess[]> {
    return this.ownerOf(instance).liveTreeOf(instance);
  }

  /** Throws ENGINE_UNAVAILABLE besides what a runner throws. */
  async runTask(request: TaskRequest<InstanceCommand>, signal: AbortSignal): Promise<TaskReport> {
    const { command } = request;
    if (command.type === 'script') return this.options.script.runTask({ ...request, command }, signal);
    return this.openRunner(command.engine).runTask(request, signal);
  }

  async tasksCleared(): Promise<void> {
    await this.options.script.tasksCleared();
    await Promise.all([...this.engines.values()].flatMap((opened) => (opened.kind === 'open' && opened.surveyed ? [opened.runner.tasksCleared()] : [])));
  }

  /** How a command is run inside of an instance; null: beside it, as a process of this machine. */
  execIn(instance: RunningInstance): ((request: ExecRequest) => Promise<ExecReport>) | null {
    const owner = this.ownerOf(instance);
    return owner.exec === undefined ? null : (request) => owner.exec?.(instance, request) ?? Promise.reject(new Error('it cannot run commands'));
  }

  /** What instances use that are not to be found in /proc. */
  async stats(instances: readonly RunningInstance[]): Promise<InstanceUsage[]> {
    const byOwner = new Map<Runner<InstanceCommand>, RunningInstance[]>();
    for (const instance of instances) {
      const owner = this.ownerOf(instance);
      if (owner.stats !== undefined) byOwner.set(owner, [...(byOwner.get(owner) ?? []), instance]);
    }
    const answers = await Promise.allSettled([...byOwner].map(async ([owner, theirs]) => (await owner.stats?.(theirs)) ?? []));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }

  /** Has the cluster in which an instance lives run that many replicas of it. Throws what its runner throws, or NOT_SUPPORTED. */
  async resize(instance: RunningInstance, replicas: number): Promise<void> {
    const owner = this.ownerOf(instance);
    if (owner.resize === undefined) throw new HiveError('NOT_SUPPORTED', `${instance.ref.source}:${instance.ref.service} has no replicas.`);
    await owner.resize(instance, replicas);
  }

  /** Has the cluster replace the replicas of an instance. Throws what its runner throws, or NOT_SUPPORTED. */
  async update(instance: RunningInstance, request: LaunchRequest<InstanceCommand>, update: ReplicaUpdate): Promise<RunningInstance> {
    const owner = this.ownerOf(instance);
    if (owner.update === undefined) throw new HiveError('NOT_SUPPORTED', `${instance.ref.source}:${instance.ref.service} has no replicas.`);
    return owner.update(instance, request, update);
  }

  /** The daemon is ending: stops do not wait for engines that are away. */
  giveUpWaiting(): void {
    this.givenUp = true;
    for (const opened of this.engines.values()) if (opened.kind === 'open') opened.runner.giveUpWaiting();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([this.options.script.close(), ...[...this.engines.values()].map((opened) => (opened.kind === 'open' ? opened.runner.close() : undefined))]);
  }

  /** To start something there. @throws HiveError ENGINE_UNAVAILABLE */
  private openRunner(engine: EngineRef): EngineRunner<InstanceCommand> {
    const opened = this.engines.get(engineKey(engine));
    const trouble = this.trouble(engine);
    if (trouble !== null || opened?.kind !== 'open') throw new HiveError('ENGINE_UNAVAILABLE', `${(trouble ?? beingAsked(engine)).sentence.replace('ENGINE_UNAVAILABLE: ', '')}.`);
    this.options.memory.note(engine);
    return opened.runner;
  }

  private ownerOf(instance: RunningInstance): Runner<InstanceCommand> {
    const known = this.owners.get(instance.incarnation);
    if (known !== undefined) return known;
    if (instance.engine === undefined) return asAny(this.options.script);
    const opened = this.engines.get(engineKey(instance.engine));
    return opened?.kind === 'open' ? opened.runner : asAny(this.options.script);
  }

  private openNow(engine: EngineRef): Opened {
    void this.open(engine, (report) => this.tellSurveyed(engine, report));
    return this.engines.get(engineKey(engine)) ?? { kind: 'opening' };
  }

  /** Resolves once the engine has been surveyed; never rejects. */
  private async open(engine: EngineRef, surveyed: (report: AdoptReport) => void): Promise<void> {
    const key = engineKey(engine);
    if (this.engines.has(key)) return;
    this.engines.set(key, { kind: 'opening' });
    try {
      const runner = await this.options.open(engine);
      const opened: Opened = { kind: 'open', runner, surveyed: false };
      this.engines.set(key, opened);
      if (this.closed) return await runner.close();
      if (this.givenUp) runner.giveUpWaiting();
      runner.onExit((exit) => this.tellExit(exit));
      runner.onMoved?.((instance) => { for (const listener of this.movedListeners) listener(instance); });
      runner.onAvailability(() => this.tellChange(engine));
      this.tellChange(engine);
      const report = await runner.adopt();
      for (const { incarnation } of [...report.living, ...report.exited]) this.owners.set(incarnation, runner);
      opened.surveyed = true;
      surveyed(report);
      this.tellChange(engine);
    } catch (thrown) {
      if (this.closed) return;
      const { message, next } = toHiveError(thrown);
      this.engines.set(key, { kind: 'failed', why: `${message.replace(/\.$/, '')}${next === undefined ? '' : `; ${next}`}` });
      this.options.warn(message);
      this.tellChange(engine);
    }
  }

  private tellExit(exit: InstanceExit): void {
    for (const listener of this.exitListeners) listener(exit);
  }

  private tellChange(engine: EngineRef): void {
    for (const listener of this.changeListeners) listener(engine);
  }

  private tellSurveyed(engine: EngineRef, report: AdoptReport): void {
    for (const listener of this.surveyListeners) listener(engine, report);
  }
}

/** A runner of scripts is only ever asked about instances, never to launch another runner's command. */
function asAny(script: Runner<ScriptCommand>): Runner<InstanceCommand> {
  return script as Runner<InstanceCommand>;
}

function beingAsked(engine: EngineRef): EngineTrouble {
  return { sentence: `${engine.type} at ${engine.socket} is being asked what runs there`, passes: true };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
