import { engineKey, instanceKey, type EngineRef, type InstanceExit, type InstanceRef, type RunningInstance } from '../runner.js';
import type { ContainerLog } from './container-log.js';

/** One incarnation in a container, from its start (or its adoption) until it is forgotten. */
export class TrackedContainer {
  /** Set once it has ended and its log is complete. */
  end: InstanceExit | null = null;
  /** Its end is being looked into: nobody else has to. */
  settling = false;
  /** The network that it is in, where that is known. */
  network: string | null = null;
  readonly ended: Promise<InstanceExit>;
  private resolve!: (exit: InstanceExit) => void;

  constructor(
    readonly ref: InstanceRef,
    readonly incarnation: string,
    readonly engine: EngineRef,
    readonly container: string,
    readonly name: string,
    readonly log: ContainerLog,
    public facts: { pid: number; startedAt: Date },
  ) {
    this.ended = new Promise((resolve) => { this.resolve = resolve; });
  }

  describe(): RunningInstance {
    const { ref, incarnation, engine, container, facts } = this;
    return { ref, incarnation, pid: facts.pid, startedAt: facts.startedAt, engine, containerId: container };
  }

  /** How people find it: `container hive.web.api.1.3fa2c1 of docker`. */
  describeForPeople(): string {
    return `container ${this.name} of ${this.engine.type}`;
  }

  finish(end: InstanceExit): void {
    this.end = end;
    this.resolve(end);
  }

  toString(): string {
    return `${instanceKey(this.ref)} in ${engineKey(this.engine)}`;
  }
}
