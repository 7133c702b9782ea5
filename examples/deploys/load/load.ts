import { exchangeOf, kinds, type Kind } from './exchanges.js';

export interface Failure {
  readonly kind: Kind;
  /** The connection was not even accepted. */
  readonly refused: boolean;
  readonly what: string;
  /** Since the load began. */
  readonly atMs: number;
}

export interface LoadReport {
  /** Whole and right, by kind. */
  readonly done: Readonly<Record<Kind, number>>;
  readonly failures: readonly Failure[];
}

/** Clients that ask without a pause, each on connections of its own, and a count of everything that went wrong. */
export class Load {
  readonly done: Record<Kind, number> = { request: 0, connection: 0, download: 0, upload: 0, events: 0, websocket: 0 };
  readonly failures: Failure[] = [];
  private readonly beganAt = performance.now();
  private readonly lanes: Promise<void>[];
  private isOver = false;

  /** `clients` of each kind begin at once. */
  constructor(private readonly port: number, clients: Partial<Record<Kind, number>>) {
    this.lanes = kinds.flatMap((kind) => Array.from({ length: clients[kind] ?? 0 }, () => this.lane(kind)));
  }

  /** How many there are, and so how many exchanges are under way at most. */
  get clients(): number {
    return this.lanes.length;
  }

  get total(): number {
    return Object.values(this.done).reduce((sum, count) => sum + count, 0);
  }

  /** Ends once everything that is under way is finished. */
  async stop(): Promise<LoadReport> {
    this.isOver = true;
    await Promise.all(this.lanes);
    return { done: this.done, failures: this.failures };
  }

  private async lane(kind: Kind): Promise<void> {
    const exchange = exchangeOf(kind);
    while (!this.isOver) {
      try {
        await exchange.run(this.port);
        this.done[kind] += 1;
      } catch (thrown) {
        const { code, message } = thrown as NodeJS.ErrnoException;
        this.failures.push({ kind, refused: code === 'ECONNREFUSED', what: message, atMs: Math.round(performance.now() - this.beganAt) });
      }
    }
    exchange.end();
  }
}
