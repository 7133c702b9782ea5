import { statSync } from 'node:fs';
import path from 'node:path';
import type { ProcessIdentity } from '../../../shared/process/identity.js';
import type { Ring } from './doorbell.js';

export type LaunchOutcome =
  | { readonly kind: 'started'; readonly shim: ProcessIdentity; readonly main: ProcessIdentity }
  /** Nobody said that it started: the run folder has to be looked at. */
  | { readonly kind: 'unclear'; readonly why: 'refused' | 'declined' | 'failed' | 'silent' | 'launcher-died' };

const checkEveryMs = 250;
const overdueMs = 15_000;

interface OpenOrder {
  readonly order: string;
  readonly folder: string;
  readonly placedAt: number;
  readonly answer: (outcome: LaunchOutcome) => void;
}

/** The orders that were given to the launcher and not answered yet. */
export class LaunchOrders {
  private readonly open = new Map<string, OpenOrder>();
  private checking: NodeJS.Timeout | null = null;

  /** Resolves with what became of the order, at the latest after 15 s. */
  await(incarnation: string, order: string, folder: string): Promise<LaunchOutcome> {
    this.checking ??= setInterval(() => this.check(), checkEveryMs);
    return new Promise((answer) => this.open.set(incarnation, { order, folder, placedAt: performance.now(), answer }));
  }

  has(incarnation: string): boolean {
    return this.open.has(incarnation);
  }

  answer(ring: Ring): void {
    if (ring.kind === 'exited') this.settle(ring.incarnation, { kind: 'unclear', why: 'silent' });
    // A shim that was slow to give up an order taken back says nothing of the one that followed.
    else if (ring.order !== this.open.get(ring.incarnation)?.order) return;
    else this.settle(ring.incarnation, ring.kind === 'started' ? ring : { kind: 'unclear', why: ring.kind });
  }

  /** Answers every open order as unclear. */
  abandon(why: 'launcher-died' | 'silent'): void {
    for (const incarnation of [...this.open.keys()]) this.settle(incarnation, { kind: 'unclear', why });
  }

  /** A shim on a full disk, or one that was killed, cannot ring: then its order was read and no answer ever comes. */
  private check(): void {
    const now = performance.now();
    for (const [incarnation, { order, folder, placedAt }] of this.open) {
      const age = now - placedAt;
      const size = statSync(path.join(folder, `launch.${order}`), { throwIfNoEntry: false })?.size ?? 0;
      if (age > overdueMs || (age > checkEveryMs && size === 0)) this.settle(incarnation, { kind: 'unclear', why: 'silent' });
    }
  }

  private settle(incarnation: string, outcome: LaunchOutcome): void {
    this.open.get(incarnation)?.answer(outcome);
    this.open.delete(incarnation);
    if (this.open.size === 0 && this.checking !== null) {
      clearInterval(this.checking);
      this.checking = null;
    }
  }
}
