import type { Availability, EngineRef } from '../runner.js';
import { isUnreachable, statusOf } from '../docker/engine-error.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { NoManager, type SwarmApi, type SwarmLook } from './swarm-api.js';

export interface ServiceWatchOptions {
  readonly engine: EngineRef;
  readonly connection: EngineConnection;
  readonly api: SwarmApi;
  /** How often to look: the swarm's own events tell of services and nodes, never of tasks. */
  readonly pauseMs: () => number;
  readonly onLook: (look: SwarmLook) => Promise<void> | void;
  readonly onAvailability: (availability: Availability) => void;
}

/** Looks at this home's services again and again, and says whether there is a swarm to be looked at. */
export class ServiceWatch {
  private state: Availability;
  private closed = false;
  private wake: (() => void) | null = null;
  private looking: Promise<void> | null = null;
  private isManager = false;

  constructor(private readonly options: ServiceWatchOptions) {
    this.state = options.connection.availability();
  }

  open(): void {
    this.looking ??= this.keepLooking();
  }

  availability(): Availability {
    const { connection } = this.options;
    return connection.availability().ok ? this.state : connection.availability();
  }

  /** Something has happened: looks now. */
  nudge(): void {
    this.wake?.();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wake?.();
    await this.looking;
  }

  private async keepLooking(): Promise<void> {
    const { connection, api, onLook } = this.options;
    while (!this.closed) {
      await connection.whenAvailable();
      if (this.closed) return;
      try {
        if (!this.isManager) await api.ownNode();
        const look = await api.look();
        this.isManager = true;
        await onLook(look);
        this.become({ ok: true });
      } catch (error) {
        this.isManager = false;
        if (!isUnreachable(error) || error instanceof NoManager) this.become(this.trouble(error));
      }
      await this.pause(this.state.ok ? this.options.pauseMs() : 1_000);
    }
  }

  private trouble(error: unknown): Availability {
    const { socket } = this.options.engine;
    const said = error instanceof NoManager ? error.state : `it answers ${statusOf(error) ?? 'nothing'}`;
    switch (said) {
      case 'inactive':
        return { ok: false, why: `docker at ${socket} is part of no swarm`, next: 'docker swarm init' };
      case 'active':
        return { ok: false, why: `docker at ${socket} is a worker of its swarm, and only a manager can run services`, next: 'docker node promote, on a manager' };
      case 'locked':
        return { ok: false, why: `the swarm of docker at ${socket} is locked`, next: 'docker swarm unlock' };
      default:
        return { ok: false, why: `the swarm of docker at ${socket} takes no orders (${said})`, next: 'docker node ls, on any manager, to see what its managers miss' };
    }
  }

  private become(availability: Availability): void {
    const before = this.state;
    this.state = availability;
    if (before.ok !== availability.ok || (!before.ok && !availability.ok && before.why !== availability.why)) this.options.onAvailability(this.availability());
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake?.(), ms);
      timer.unref();
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }
}
