import { HiveError } from '../../shared/errors/index.js';
import type { ValidParams } from '../../shared/protocol/methods.js';
import { RawJson } from '../../shared/rpc/index.js';
import type { Session } from '../rpc/session.js';
import type { StateStore } from '../state/state-store.js';
import { Cursors } from './cursors.js';
import { EventSubscription } from './event-subscription.js';
import { JournalReader, type EventFilter } from './journal-reader.js';

/** The subscriptions of all connections, at most one each. */
export class EventHub {
  private readonly journal: JournalReader;
  private readonly cursors: Cursors;
  private readonly bySession = new Map<Session, { subscription: EventSubscription; key: string }>();

  /** `snapshot` is the JSON text of what is true after the newest event. */
  constructor(private readonly store: StateStore, private readonly snapshot: () => RawJson) {
    this.journal = new JournalReader(store);
    this.cursors = new Cursors(store);
  }

  get epoch(): string {
    return this.store.epoch;
  }

  subscribe(session: Session, { name = null, from = 'now', types, services }: { name?: string | undefined | null } & Omit<ValidParams<'events.subscribe'>, 'name'>): RawJson {
    if (this.bySession.has(session)) {
      throw new HiveError('ALREADY_EXISTS', 'This connection has an event subscription already.', { next: 'End it with events.unsubscribe, or open another connection.' });
    }
    if (from === 'cursor' && name === null) throw new HiveError('INVALID_PARAMS', 'from: "cursor" needs a name, which the cursor belongs to.', { next: 'Give a name, or say from: "now".' });
    if (name !== null) this.takeOver(name);
    const { json, seq } = this.truth();
    const after = from === 'now' ? seq : from === 'cursor' ? this.cursors.get(name as string) ?? seq : Math.min(from, seq);
    if (name !== null && this.cursors.get(name) === undefined) this.cursors.move(name, after);
    const subscription = new EventSubscription(session.rpc, this.store, this.journal, this.cursors, { name, after, filter: { types, services }, snapshot: () => this.truth() });
    const key = session.hold('events', () => {
      subscription.end();
      this.bySession.delete(session);
    });
    this.bySession.set(session, { subscription, key });
    subscription.wake();
    return RawJson.object({ snapshot: json, epoch: this.store.epoch, seq });
  }

  unsubscribe(session: Session): void {
    const held = this.bySession.get(session);
    if (held !== undefined) session.release(held.key);
  }

  acknowledge(session: Session, seq: number): void {
    this.bySession.get(session)?.subscription.acknowledge(seq);
  }

  /** How far a connection's subscription has come; null without one. */
  progressOf(session: Session): { lag: number; lastAck: number } | null {
    const held = this.bySession.get(session);
    return held === undefined ? null : { lag: held.subscription.lag, lastAck: held.subscription.lastAck };
  }

  list(filter: EventFilter, since: string | number | undefined, limit: number): RawJson {
    const rows = this.journal.list(filter, typeof since === 'string' ? new Date(since) : since, limit);
    return RawJson.object({ epoch: this.store.epoch, events: RawJson.array(rows.map((row) => new RawJson(row.body))) });
  }

  /** Everything that is pending is written first, so that the snapshot and the number belong together. */
  private truth(): { json: RawJson; seq: number } {
    this.store.flush();
    return { json: this.snapshot(), seq: this.store.seq };
  }

  /** A name belongs to one connection: the newest, since the older one may be a process that is gone but not yet noticed. */
  private takeOver(name: string): void {
    for (const [session, { subscription, key }] of this.bySession) if (subscription.name === name) session.release(key);
  }
}
