import { RawJson, type RpcConnection } from '../../shared/rpc/index.js';
import type { StateStore } from '../state/state-store.js';
import type { Cursors } from './cursors.js';
import { matches, type EventFilter, type JournalReader } from './journal-reader.js';

/** Most events that a named subscriber may have without acknowledging them; then the journal is read no further for it. */
const window = 1_024;
/** Events in one notification at most. */
const batchSize = 256;

export interface SubscriptionStart {
  /** The subscriber's name; with one, what it acknowledged is remembered. */
  readonly name: string | null;
  readonly filter: EventFilter;
  /** Events after this number are sent. */
  readonly after: number;
  readonly snapshot: () => { json: RawJson; seq: number };
}

/**
 * Streams the journal to one connection: in order, at least once, nothing queued in memory. It reads on only while the
 * connection takes bytes and, for a named subscriber, while fewer than `window` events wait for their acknowledgement.
 */
export class EventSubscription {
  /** The journal was looked at up to here. */
  private through: number;
  private lastSent: number;
  private acknowledged: number;
  private pumping = false;
  private ended = false;
  private readonly off: () => void;

  constructor(
    private readonly connection: RpcConnection,
    private readonly store: StateStore,
    private readonly journal: JournalReader,
    private readonly cursors: Cursors,
    private readonly start: SubscriptionStart,
  ) {
    this.through = this.lastSent = this.acknowledged = start.after;
    this.off = store.onCommitted(() => this.wake());
  }

  get name(): string | null {
    return this.start.name;
  }

  /** How many events it has still to be sent or to acknowledge. */
  get lag(): number {
    return this.store.seq - this.acknowledged;
  }

  get lastAck(): number {
    return this.acknowledged;
  }

  /** Sends what there is; called once the answer to `events.subscribe` is on its way. */
  wake(): void {
    if (this.pumping || this.ended) return;
    this.pumping = true;
    void this.pump().finally(() => { this.pumping = false; });
  }

  acknowledge(seq: number): void {
    const upTo = Math.min(seq, this.lastSent);
    if (upTo <= this.acknowledged) return;
    this.acknowledged = upTo === this.lastSent ? this.through : upTo;
    if (this.start.name !== null) this.cursors.move(this.start.name, this.acknowledged);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.off();
  }

  private async pump(): Promise<void> {
    // In the next turn of the loop, so that the events of one turn share a frame.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.ended && this.through < this.store.seq) {
      if (this.start.name !== null && this.lastSent - this.acknowledged >= window) return;
      await this.connection.whenWritable();
      if (this.ended) return;
      this.sendBatch();
    }
  }

  private sendBatch(): void {
    const forgotten = this.journal.forgottenThrough();
    if (this.through < forgotten) return this.sendGap();
    const events = this.journal.after(this.through, batchSize);
    const last = events.at(-1);
    if (last === undefined) return;
    const wanted = events.filter((event) => matches(event, this.start.filter));
    this.through = last.seq;
    const newest = wanted.at(-1);
    if (newest === undefined) return this.skipUnwanted();
    this.lastSent = newest.seq;
    this.send(wanted.map((event) => event.body));
  }

  /** Nothing in between was wanted: with all acknowledged, that counts as acknowledged too. */
  private skipUnwanted(): void {
    if (this.acknowledged < this.lastSent) return;
    this.acknowledged = this.through;
    if (this.start.name !== null) this.cursors.move(this.start.name, this.acknowledged);
  }

  private sendGap(): void {
    const from = this.through + 1;
    const { json, seq } = this.start.snapshot();
    this.through = this.lastSent = seq;
    const head = JSON.stringify({ epoch: this.store.epoch, seq, time: new Date().toISOString(), type: 'gap', from, to: seq });
    this.send([`${head.slice(0, -1)},"snapshot":${json.text}}`]);
  }

  private send(bodies: readonly string[]): void {
    this.connection.notify('event', new RawJson(`{"epoch":"${this.store.epoch}","events":[${bodies.join(',')}],"through":${this.through}}`));
  }
}
