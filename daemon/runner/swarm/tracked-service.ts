import type { EngineRef, InstanceExit, Replica, RunningInstance } from '../runner.js';
import type { Observed } from './observe-service.js';
import type { SwarmIdentity } from './swarm-labels.js';
import type { ServiceLog } from './service-log.js';

/** An incarnation: a service of the swarm, with what was seen of it last. */
export class TrackedService {
  observed: Observed | null = null;
  /** As it was told last: what differs is told again. */
  private told = '';
  /** How it ended, once it has. */
  end: InstanceExit | null = null;
  /** Looks in a row in which nothing of it ran and nothing was to be started. */
  idleLooks = 0;
  launched = false;
  stopping = false;
  startedAt: Date;

  constructor(public identity: SwarmIdentity, readonly id: string, readonly name: string, private readonly engine: EngineRef, readonly log: ServiceLog, createdAt: Date) {
    this.startedAt = createdAt;
  }

  get incarnation(): string {
    return this.identity.incarnation;
  }

  get replicas(): readonly Replica[] {
    return this.observed?.replicas.present ?? [];
  }

  /** Takes in what was seen; says whether it differs from what was told last. */
  take(observed: Observed): boolean {
    this.observed = observed;
    const { wanted, present } = observed.replicas;
    const now = JSON.stringify([wanted, present]);
    const differs = now !== this.told;
    this.told = now;
    return differs;
  }

  /** Not all that is wanted runs, or more than that. */
  get inMotion(): boolean {
    const { observed } = this;
    return observed === null || observed.replicas.present.length !== observed.replicas.wanted || observed.replicas.present.some(({ state }) => state !== 'running');
  }

  describe(): RunningInstance {
    const { observed } = this;
    return {
      ref: this.identity.ref, incarnation: this.incarnation, pid: 0, startedAt: this.startedAt, engine: this.engine,
      replicas: observed?.replicas ?? { wanted: 0, present: [], ended: {} },
    };
  }
}
