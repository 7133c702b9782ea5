import { placeOf } from '../reconciler/enter.js';
import { engineOf } from '../runner/engine-of.js';
import { engineKey, type AdoptReport, type EngineRef, type RunningInstance } from '../runner/runner.js';
import type { PendingCause } from '../state/state-store.js';
import type { InstanceActor } from './instance-actor.js';
import { memoryOf } from './instance-memory.js';
import { bootId, monotonicMs } from './monotonic-clock.js';
import { livesBeyondRecord, restoreInstance } from './restore-instance.js';
import { showHeld } from './instance-reactions.js';
import type { SupervisedService } from './supervised-service.js';
import type { Supervision } from './supervision.js';

/** Takes over, service by service, what earlier daemons left; what nobody left anything of is started when it is wanted up. */
export class TakeOver {
  constructor(private readonly all: Supervision) {}

  /** Gives a service the instances that it has now: those of an earlier rollout, those that live, else as many as are wanted. */
  makeKnown(service: SupervisedService): void {
    const { rollouts, found, fleet } = this.all;
    const rolled = rollouts.numbersOf(service.fqn);
    const living = found.numbersLiving(service.spec.source, service.spec.name);
    if (rolled !== null) {
      const leaving = rolled.leaving.filter((number) => living.includes(number));
      fleet.make(service, [...rolled.serving, ...rolled.arriving, ...leaving]);
      for (const actor of service.actors) {
        if (rolled.before !== null && !rolled.fresh.includes(actor.ref.number)) actor.spec = rolled.before;
        if (leaving.includes(actor.ref.number)) service.surplus.add(actor);
      }
    } else if (service.spec.rollout.type !== 'recreate') fleet.make(service, living);
    if (rolled?.isUnderWay === true) return;
    const wanted = fleet.numbersFor(service, this.all.actorsOf(service));
    fleet.make(service, wanted);
    // Scaled down, and the daemon that was to stop them did not live to; or wanted by an earlier deploy alone.
    for (const actor of service.actors) if (!wanted.includes(actor.ref.number)) service.surplus.add(actor);
  }

  /** Goes on where the instances of a service were left, or starts them when they are wanted up. */
  begin(service: SupervisedService, cause: PendingCause): void {
    const { runner } = this.all.tools;
    const own = engineOf(service.spec.runner);
    const engines = [...(own !== null && runner.hasUsed(own) ? [own] : []), ...this.all.found.enginesOf(service.fqn)];
    service.held = engines.find((engine) => !runner.isSurveyed(engine)) ?? null;
    if (service.held !== null) {
      showHeld(service, runner.trouble(service.held));
      return;
    }
    for (const actor of [...service.actors]) {
      this.beginInstance(service, actor, cause);
      this.all.fleet.dismiss(service, actor);
    }
    this.all.hooks.resume(service, cause);
    this.all.rollouts.resume(service, cause);
    this.catchUp(service, cause);
    this.all.sharing.begun(service, cause);
  }

  /** An engine has said at last what lives there: its services go on from what is found. */
  async surveyed(engine: EngineRef, report: AdoptReport, cause: PendingCause): Promise<void> {
    const { found, services } = this.all;
    await found.add(report);
    for (const service of services.all()) {
      if (service.held === null || engineKey(service.held) !== engineKey(engine)) continue;
      service.actors.length = 0;
      service.surplus.clear();
      service.held = null;
      this.makeKnown(service);
      this.begin(service, cause);
      service.touch();
      services.tell(service);
    }
    await found.stopLateOrphans();
  }

  private beginInstance(service: SupervisedService, actor: InstanceActor, cause: PendingCause): void {
    const { work } = this.all;
    const { found, record } = this.all.found.take(actor.id);
    if (livesBeyondRecord(record, found)) this.wantAsFound(service);
    const restored = restoreInstance(record, found, service.surplus.has(actor) ? 'down' : this.all.wanted(service), bootId());
    actor.restore(restored.state, memoryOf(record, restored.keepsRun, found));
    const nameOnly = (incarnation: string): RunningInstance => ({ ref: actor.ref, incarnation, pid: 0, startedAt: new Date() });
    if (restored.forget !== null) {
      // How far an earlier daemon came with sweeping after it is not known.
      work.perform({ do: 'sweep', process: nameOnly(restored.forget) }, actor, service);
      work.perform({ do: 'forget', incarnation: restored.forget }, actor, service);
    }
    if (restored.stopAgain !== null) work.perform({ do: 'stop', process: nameOnly(restored.stopAgain) }, actor, service);
    if (restored.adopted && found.kind === 'living') this.adopt(service, actor, found.process, cause);
    if (restored.state.kind === 'backoff' && restored.events.length === 0) {
      work.perform({ do: 'wakeAfter', ms: restored.state.untilMs - monotonicMs() }, actor, service);
    }
    // Where there are hooks, a stop is theirs to begin (`hooks.resume`).
    for (const event of restored.events) if (event.kind !== 'stop' || !this.all.hooks.concern(service)) actor.post(event, cause);
  }

  /** An instance that lives with an older configuration: the daemon that was to replace it did not live to. */
  private catchUp(service: SupervisedService, cause: PendingCause): void {
    const { rollouts, orders } = this.all;
    const outdated = service.actors.filter((actor) => actor.state.kind === 'running' && actor.runHash !== null && actor.runHash !== actor.spec.instanceHash);
    if (outdated.length === 0 || this.all.wanted(service) === 'down' || rollouts.isUnderWay(service.fqn)) return;
    const why = 'its configuration changed while no daemon was there';
    if (service.spec.rollout.type === 'recreate') orders.replaceInstances(service, outdated.map(({ ref }) => ref.number), why, cause);
    else void rollouts.begin(service, service.spec, cause);
  }

  private wantAsFound(service: SupervisedService): void {
    const { intents, store } = this.all;
    if (this.all.wanted(service) === 'up' || this.all.halting) return;
    intents.remember([service.fqn], 'up');
    void store.record((tx) => intents.write(tx, [service.fqn], 'up'));
  }

  private adopt(service: SupervisedService, actor: InstanceActor, process: RunningInstance, cause: PendingCause): void {
    void this.all.store.record((tx) => tx.append({ type: 'service.adopted', service: service.fqn, instance: actor.id, ...placeOf(process) }, cause));
    if (actor.state.kind !== 'running') return;
    void this.all.work.beginWatching(actor, process, actor.state.healthy);
    this.all.orders.matchReplicas(service);
  }
}
