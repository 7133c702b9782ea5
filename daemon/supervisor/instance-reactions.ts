import type { HealthVerdict } from '../health/health-monitor.js';
import type { InstanceState } from '../reconciler/instance-state.js';
import { engineOf } from '../runner/engine-of.js';
import { engineKey, type EngineRef, type InstanceExit, type InstanceRef, type RunningInstance } from '../runner/runner.js';
import type { EngineTrouble } from '../runner/runners.js';
import type { PendingCause } from '../state/state-store.js';
import { bothOpen, dependencyGate, engineGate, type Gate } from './dependency-gate.js';
import type { ActorWorld, InstanceActor } from './instance-actor.js';
import { mustBuild } from './instance-work.js';
import type { SupervisedService } from './supervised-service.js';
import type { Supervision } from './supervision.js';

/** What follows when something happens to an instance: for itself, for those that depend on it, and for those that use it. */
export class InstanceReactions {
  constructor(private readonly all: Supervision) {}

  worldOf(service: SupervisedService, self: () => InstanceActor): ActorWorld {
    const { store, records, fleet, services } = this.all;
    return {
      store,
      records,
      wanted: () => (service.surplus.has(self()) ? 'down' : this.all.wanted(service)),
      held: () => service.held !== null,
      perform: (effect, actor) => this.all.work.perform(effect, actor, service),
      changed: (actor, before) => this.changed(service, actor, before),
      settled: (actor) => {
        fleet.dismiss(service, actor);
        services.tell(service);
      },
    };
  }

  /** Looks whether an instance that waits may start. */
  checkGate(actor: InstanceActor, cause?: PendingCause): void {
    const { services, hooks, tools } = this.all;
    const service = services.find(actor.fqn);
    if (service === undefined || actor.state.kind !== 'waiting') return;
    const before = this.gateBeforeHooks(service, actor);
    const gate = before.kind === 'open' ? hooks.gate(service, cause ?? actor.cause) : before;
    // A hook that is over at once may have changed it already.
    if (actor.state.kind !== 'waiting') return;
    if (gate.kind === 'open') actor.post({ kind: 'gateOpened', mustBuild: mustBuild(actor.spec, tools.builds) }, cause);
    else actor.post({ kind: 'gateClosed', on: gate.on, blocked: gate.blocked }, cause);
  }

  /** What keeps an instance from starting, its hooks left out. */
  gateBeforeHooks(service: SupervisedService, actor: InstanceActor): Gate {
    const { services, sharing, tools } = this.all;
    return bothOpen(
      dependencyGate(service.spec.dependsOn, (name) => services.find(`${service.spec.source}:${name}`)?.asDependency()),
      bothOpen(engineGate(tools.runner.trouble(engineOf(actor.spec.runner))), sharing.gate(service.spec)),
    );
  }

  exited(end: InstanceExit): void {
    const actor = this.all.services.actorOf(end.ref);
    if (actor !== undefined) void this.all.work.exited(end, actor);
    else this.all.found.ended(end);
  }

  verdict(ref: InstanceRef, { healthy, check, detail }: HealthVerdict): void {
    if (ref.task !== undefined) return this.replicaVerdict(ref, ref.task, { healthy, check, detail });
    const actor = this.all.services.actorOf(ref);
    if (actor?.state.kind !== 'running') return;
    actor.post({ kind: 'verdict', incarnation: actor.state.process.incarnation, healthy, check, detail, uptimeMs: actor.uptimeMs() });
  }

  /** Checks of replicas have the replica's id as the task of their ref. */
  private replicaVerdict({ source, service }: InstanceRef, replica: string, found: HealthVerdict): void {
    for (const actor of this.all.services.find(`${source}:${service}`)?.actors ?? []) {
      if (actor.state.kind === 'running') actor.post({ kind: 'replicaVerdict', incarnation: actor.state.process.incarnation, replica, ...found });
    }
  }

  /** An engine has gone or is back: those that wait for it look again, and those that run in it are shown as they are. */
  engineChanged(engine: EngineRef): void {
    const { services, tools } = this.all;
    const key = engineKey(engine);
    for (const service of services.all()) {
      const own = engineOf(service.spec.runner);
      const concerned = (own !== null && engineKey(own) === key) || service.held !== null;
      if (!concerned) continue;
      if (service.held !== null) showHeld(service, tools.runner.trouble(service.held));
      for (const actor of service.actors) this.checkGate(actor);
      service.touch();
      services.tell(service);
    }
  }

  /** The same life goes on elsewhere. */
  moved(process: RunningInstance): void {
    this.all.services.actorOf(process.ref)?.post({ kind: 'moved', process });
  }

  private followMove(service: SupervisedService, actor: InstanceActor, process: RunningInstance): void {
    if (process.replicas === undefined) return this.all.orders.watchAnew(actor);
    void this.all.work.beginWatching(actor, process, null);
    this.all.orders.matchReplicas(service);
  }

  private changed(service: SupervisedService, actor: InstanceActor, before: InstanceState): void {
    const { services, sharing, work } = this.all;
    service.touch();
    const { state } = actor;
    if (before.kind !== 'running' && state.kind === 'running') {
      void work.beginWatching(actor, state.process, state.healthy);
      this.all.orders.matchReplicas(service);
    } else if (before.kind === 'running' && state.kind !== 'running') work.endWatching(actor);
    else if (before.kind === 'running' && state.kind === 'running' && before.process !== state.process) this.followMove(service, actor, state.process);
    for (const dependent of services.dependents.of(service.fqn)) {
      for (const waiting of dependent.actors) if (waiting.state.kind === 'waiting') this.checkGate(waiting, actor.cause);
    }
    sharing.stepped(service, actor, before);
  }
}

/** What is shown of instances of which nobody knows yet whether they live. */
export function showHeld(service: SupervisedService, trouble: EngineTrouble | null): void {
  for (const actor of service.actors) actor.showWaiting(trouble?.sentence ?? 'its engine is being asked', trouble?.passes === false);
}
