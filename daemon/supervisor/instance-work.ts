import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import { HiveError, toHiveError } from '../../shared/errors/index.js';
import { replicaName } from '../reconciler/replicas.js';
import { seconds } from '../reconciler/restart-policy.js';
import type { Effect } from '../reconciler/step.js';
import type { HealthMonitor } from '../health/health-monitor.js';
import type { LogStore } from '../logs/log-store.js';
import type { InstanceExit, InstanceRef, LiveProcess, ReplicaUpdate, RunningInstance } from '../runner/runner.js';
import type { Runners } from '../runner/runners.js';
import type { Sharing } from '../sharing/sharing.js';
import { endpointId } from '../routes/derive-routes.js';
import type { Builds } from './builds.js';
import { freePortsFor } from './free-ports.js';
import type { InstanceActor } from './instance-actor.js';
import { environmentInside, instanceEnvironment, launchRequest, watchedInstance } from './launch-request.js';
import type { Ports } from './ports.js';
import { ReplicaWatch } from './replica-watch.js';
import type { SupervisedService } from './supervised-service.js';

export interface WorkTools {
  readonly runner: Runners;
  readonly logs: LogStore;
  readonly health: HealthMonitor;
  readonly ports: Ports;
  readonly builds: Builds;
  /** What of the daemon's own environment services get. */
  readonly daemonEnvironment: Readonly<Record<string, string>>;
  /** Resolves when no proxy has a request under way at endpoints that left the route table, at the latest after the limit; null: the proxies' own. */
  readonly drain: (endpoints: readonly string[], limitMs: number | null) => Promise<unknown>;
  /** Resolves when every proxy applies the route table as it is now. */
  readonly routesInForce: () => Promise<void>;
  readonly warn: (sentence: string) => void;
}

/** How many of the last output lines a crash event carries. */
const linesInCrashEvent = 5;

/** Does what the reconciler decided, and posts what came of it. Decides nothing itself. */
export class InstanceWork {
  private readonly wakes = new Map<string, NodeJS.Timeout>();
  private readonly building = new Map<string, { readonly abort: AbortController; readonly ended: Promise<void> }>();
  /** What has to be over before an instance is launched again: the sweep after its last incarnation, then its record. */
  private readonly clearing = new Map<string, Promise<void>>();
  private readonly resizing = new Set<string>();
  private readonly replicas: ReplicaWatch;
  /** Incarnations whose launch has not been answered yet, with an exit that came in the meantime. */
  private readonly launching = new Map<string, InstanceExit | null>();
  /** Instances that are drained without hurry, by id: what ends that. */
  private readonly patient = new Map<string, () => void>();

  constructor(
    private readonly tools: WorkTools,
    private readonly checkGate: (actor: InstanceActor) => void,
    private readonly sharing: Sharing,
  ) {
    this.replicas = new ReplicaWatch(tools);
  }

  perform(effect: Effect, actor: InstanceActor, service: SupervisedService): void {
    switch (effect.do) {
      case 'checkGate':
        return this.checkGate(actor);
      case 'build':
        return this.build(actor);
      case 'abortBuild':
        return this.building.get(actor.id)?.abort.abort();
      case 'launch':
        return void this.launch(effect.incarnation, actor, service);
      case 'stop':
        return void this.stop(effect.process, actor, service);
      case 'sweep':
        return this.sweep(effect.process, actor);
      case 'renewReplicas':
        return void this.renewReplicas(effect.process, actor, service);
      case 'forget':
        return this.forget(effect.incarnation, actor);
      case 'wakeAfter':
        return this.wakeAfter(effect.ms, actor);
      case 'cancelWake':
        return this.cancelWake(actor);
    }
  }

  /** From the runner: an incarnation ended by itself, or under a stop. */
  async exited(end: InstanceExit, actor: InstanceActor): Promise<void> {
    if (this.launching.has(end.incarnation)) {
      this.launching.set(end.incarnation, end);
      return;
    }
    const { state } = actor;
    if (state.kind !== 'running' || state.process.incarnation !== end.incarnation) return;
    const uptimeMs = actor.uptimeMs();
    const said = await lastLines(this.tools.logs, actor.ref);
    actor.post({ kind: 'exited', incarnation: end.incarnation, exit: end.exit, uptimeMs, lastLines: said, ...(end.diagnosis === undefined ? {} : { diagnosis: end.diagnosis }) });
  }

  /** Timers and builds end, of which nothing is left afterwards; instances live on. */
  async close(): Promise<void> {
    for (const timer of this.wakes.values()) clearTimeout(timer);
    this.wakes.clear();
    for (const { abort } of this.building.values()) abort.abort();
    await Promise.all([...this.building.values()].map(({ ended }) => ended));
  }

  /** Health checks and log rotation follow the state: on while it runs. */
  async beginWatching(actor: InstanceActor, process: RunningInstance, knownHealthy: boolean | null): Promise<void> {
    const { spec } = actor;
    if (process.replicas === undefined) this.tools.logs.track(actor.ref, spec.logs);
    if (spec.healthcheck.length === 0) return process.replicas === undefined ? undefined : this.replicas.follow(actor, null);
    const ports = this.tools.ports.known(spec.rollout, actor.id);
    try {
      const injection = this.sharing.known(spec, actor.id);
      const environment = await instanceEnvironment(spec, actor.ref, ports, this.tools.daemonEnvironment, injection);
      if (actor.state.kind !== 'running' || actor.state.process.incarnation !== process.incarnation) return;
      const watched = watchedInstance(spec, actor.ref, ports, environment, actor.run?.startedAtMs ?? 0, knownHealthy, injection.usedPorts, {
        exec: process.replicas === undefined ? this.tools.runner.execIn(process) : null,
        ...(process.endpoints === undefined ? {} : { endpoints: process.endpoints }),
      });
      // A cluster makes checks by command itself, where the replica is.
      if (process.replicas !== undefined) this.replicas.follow(actor, { ...watched, checks: watched.checks.filter(({ type }) => type !== 'cmd') });
      else this.tools.health.watch(watched);
    } catch (error) {
      this.tools.warn(`The health checks of ${actor.id} cannot run: ${toHiveError(error).message}`);
    }
  }

  endWatching(actor: InstanceActor): void {
    this.replicas.end(actor);
    this.tools.logs.untrack(actor.ref);
    this.tools.health.unwatch(actor.ref);
  }

  /** Has a cluster run as many replicas as are wanted. What comes of it is told by the runner. */
  async resize(actor: InstanceActor, count: number): Promise<void> {
    if (actor.state.kind !== 'running' || this.resizing.has(actor.id)) return;
    this.resizing.add(actor.id);
    try {
      await this.tools.runner.resize(actor.state.process, count);
    } catch (thrown) {
      this.tools.warn(`${actor.id} could not be brought to ${count} replicas: ${toHiveError(thrown).message}`);
    } finally {
      this.resizing.delete(actor.id);
    }
  }

  /** Has a cluster replace the replicas by those of the spec that the instance has now. Throws what `Runner.update` throws. */
  async update(process: RunningInstance, actor: InstanceActor, service: SupervisedService, update: ReplicaUpdate): Promise<void> {
    const { spec } = actor;
    const ports = await this.tools.ports.resolve(spec.rollout, actor.id);
    const injection = await this.sharing.inject(spec, actor.id, process.incarnation);
    if (injection === 'closed') throw new HiveError('SERVICE_FAILED', `${actor.id} cannot be updated now: what it uses is not there`);
    const environment = await environmentInside(spec, actor.ref, ports, this.tools.daemonEnvironment, injection);
    const paths = await this.tools.logs.prepare(actor.ref);
    const request = launchRequest(spec, { ref: actor.ref, incarnation: process.incarnation, ports, environment, paths, injection, replicas: service.instancesWanted() });
    const updated = await this.tools.runner.update(process, request, update);
    actor.runHash = spec.instanceHash;
    actor.post({ kind: 'moved', process: updated });
  }

  private async renewReplicas(process: RunningInstance, actor: InstanceActor, service: SupervisedService): Promise<void> {
    try {
      await this.update(process, actor, service, {
        id: randomUUID(), maxSurge: 0, maxUnavailable: service.instancesWanted(), onFailure: 'abort', signal: new AbortController().signal, onProgress: () => undefined,
      });
    } catch (thrown) {
      this.tools.warn(`The replicas of ${actor.id}, none of which is healthy, could not be replaced: ${toHiveError(thrown).message}`);
    }
  }

  private async launch(incarnation: string, actor: InstanceActor, service: SupervisedService): Promise<void> {
    const { spec } = actor;
    this.launching.set(incarnation, null);
    try {
      await this.clearing.get(actor.id);
      const ports = await freePortsFor(service, actor, () => this.clearing.get(actor.id) ?? Promise.resolve(), this.tools);
      const injection = await this.sharing.inject(spec, actor.id, incarnation);
      // A restart by the policy goes through no gate.
      if (injection === 'closed') return actor.post({ kind: 'heldBack', incarnation });
      const environment = await environmentInside(spec, actor.ref, ports, this.tools.daemonEnvironment, injection);
      const paths = await this.tools.logs.prepare(actor.ref);
      const process = await this.tools.runner.launch(launchRequest(spec, {
        ref: actor.ref, incarnation, ports, environment, paths, injection, replicas: service.instancesWanted(),
        onProgress: (sentence) => {
          service.stopProgress.set(actor.id, sentence);
          service.touch();
        },
        stillWanted: () => actor.state.kind === 'starting' && actor.state.incarnation === incarnation,
      }));
      actor.post({ kind: 'launched', process });
    } catch (thrown) {
      const error = toHiveError(thrown);
      // It starts by itself when its engine is back.
      if (error.code === 'ENGINE_UNAVAILABLE') actor.post({ kind: 'heldBack', incarnation });
      else actor.post({ kind: 'launchFailed', why: error.next === undefined ? error.message : `${error.message} ${error.next}`, code: error.code });
    } finally {
      service.stopProgress.delete(actor.id);
      const ended = this.launching.get(incarnation);
      this.launching.delete(incarnation);
      if (ended !== null && ended !== undefined) void this.exited(ended, actor);
    }
  }

  private async stop(process: RunningInstance, actor: InstanceActor, service: SupervisedService): Promise<void> {
    const { signal, graceMs } = actor.spec.stop;
    if (actor.spec.proxy.length > 0) await this.drain(process, actor, service);
    const beganAt = performance.now();
    const onWaiting = (waitingFor: LiveProcess[]): void => {
      service.stopProgress.set(actor.id, describeWaiting(waitingFor, signal, graceMs - (performance.now() - beganAt)));
      service.touch();
    };
    try {
      const report = await this.tools.runner.stop(process, { signal, graceMs, onWaiting });
      service.stopProgress.delete(actor.id);
      actor.post({ kind: 'gone', incarnation: process.incarnation, exit: report.exit });
    } catch (thrown) {
      service.stopProgress.delete(actor.id);
      const error = toHiveError(thrown);
      const survivors = (error.data['survivors'] as LiveProcess[] | undefined) ?? [];
      actor.post({ kind: 'stopFailed', incarnation: process.incarnation, process, why: error.message, survivors: survivors.map(({ pid }) => pid) });
    }
  }

  /** Somebody waits for the instance to stop: from now on, the requests it has get no longer than a stop may take. */
  hurry(actor: InstanceActor): void {
    const end = this.patient.get(actor.id);
    if (end !== undefined) setTimeout(end, actor.spec.stop.graceMs).unref();
  }

  /**
   * The instance has left the route table by now, since it is stopping. When others serve in its place (a deploy, fewer
   * instances), what is under way there gets as long as the proxy gives it; else as long as a stop may take.
   */
  private async drain(process: RunningInstance, actor: InstanceActor, service: SupervisedService): Promise<void> {
    service.stopProgress.set(actor.id, 'waiting for the requests that are under way');
    service.touch();
    const lives = process.replicas?.present.map((replica) => ({ id: replicaName(actor.fqn, replica), incarnation: replica.id })) ?? [{ id: actor.id, incarnation: process.incarnation }];
    const endpoints = [...new Set(actor.spec.proxy.flatMap((route) => lives.map(({ id, incarnation }) => endpointId(id, incarnation, route.port))))];
    if (service.surplus.has(actor)) {
      const hurried = new Promise<void>((resolve) => this.patient.set(actor.id, resolve));
      await Promise.race([this.tools.drain(endpoints, null), hurried]);
      this.patient.delete(actor.id);
    } else await this.tools.drain(endpoints, actor.spec.stop.graceMs);
    service.stopProgress.delete(actor.id);
  }

  /** What the main process left running goes too: otherwise it would hold the ports of the next incarnation. */
  private sweep(process: RunningInstance, actor: InstanceActor): void {
    this.clear(actor, async () => void (await this.tools.runner.stop(process, { signal: 'SIGKILL', graceMs: 0 })), 'left processes behind');
  }

  /** After the sweep, so that a daemon that is killed in between leaves the next one something to find. */
  private forget(incarnation: string, actor: InstanceActor): void {
    this.clear(actor, () => this.tools.runner.forget(actor.ref, incarnation), 'has a run record that could not be removed');
  }

  private clear(actor: InstanceActor, work: () => Promise<void>, complaint: string): void {
    const before = this.clearing.get(actor.id);
    const done = (before === undefined ? work() : before.then(work)).catch((thrown: unknown) => {
      this.tools.warn(`${actor.id} ${complaint}: ${toHiveError(thrown).message}`);
    });
    this.clearing.set(actor.id, done);
    void done.then(() => {
      if (this.clearing.get(actor.id) === done) this.clearing.delete(actor.id);
    });
  }

  private build(actor: InstanceActor): void {
    const before = this.building.get(actor.id);
    const abort = new AbortController();
    const build = { abort, ended: this.buildAfter(before?.ended, abort.signal, actor) };
    this.building.set(actor.id, build);
    void build.ended.then(() => {
      if (this.building.get(actor.id) === build) this.building.delete(actor.id);
    });
  }

  /** What is left of an aborted build ends first: two at once would write the same files. */
  private async buildAfter(before: Promise<void> | undefined, abort: AbortSignal, actor: InstanceActor): Promise<void> {
    try {
      await before;
      const { spec } = actor;
      const ports = this.tools.ports.known(spec.rollout, actor.id);
      const environment = await instanceEnvironment(spec, actor.ref, ports, this.tools.daemonEnvironment, this.sharing.known(spec, actor.id));
      const paths = await this.tools.logs.prepare(actor.ref);
      const outcome = await this.tools.builds.run(spec, actor.ref, environment, paths, abort);
      if (outcome === 'built' && !abort.aborted) actor.post({ kind: 'built' });
    } catch (thrown) {
      if (!abort.aborted) actor.post({ kind: 'buildFailed', why: toHiveError(thrown).message });
      else this.tools.warn(`The build of ${actor.id} could not be ended: ${toHiveError(thrown).message}`);
    }
  }

  private wakeAfter(ms: number, actor: InstanceActor): void {
    this.cancelWake(actor);
    this.wakes.set(actor.id, setTimeout(() => {
      this.wakes.delete(actor.id);
      actor.post({ kind: 'backoffOver' });
    }, Math.max(0, ms)));
  }

  private cancelWake(actor: InstanceActor): void {
    clearTimeout(this.wakes.get(actor.id));
    this.wakes.delete(actor.id);
  }
}

/** The last output of an instance for its crash event; empty when it cannot be read. */
export async function lastLines(logs: LogStore, ref: InstanceRef): Promise<string[]> {
  try {
    return await logs.lastLines(ref, linesInCrashEvent);
  } catch {
    return [];
  }
}

/** Whether a build has to run before the service may start. */
export function mustBuild(spec: ServiceSpec, builds: Builds): boolean {
  const { build } = spec;
  if (build === null || build.when === 'never') return false;
  if (build.when === 'always') return true;
  return build.output === null ? !builds.done(spec) : !existsSync(build.output);
}

/** `waiting for pid 4711 (node server.js) to handle SIGTERM, 8 s left` */
function describeWaiting(waitingFor: readonly LiveProcess[], signal: string, leftMs: number): string {
  const named = waitingFor.slice(0, 3).map(({ pid, command }) => (pid === 0 ? command : `pid ${pid} (${command})`));
  const more = waitingFor.length > named.length ? ` and ${waitingFor.length - named.length} more` : '';
  return leftMs > 0
    ? `waiting for ${named.join(', ')}${more} to handle ${signal}, ${seconds(Math.ceil(leftMs / 1_000) * 1_000)} left`
    : `waiting for ${named.join(', ')}${more} to die from SIGKILL`;
}
