import { HiveError, toHiveError } from '../../shared/errors/index.js';
import type { Route, RouteTable } from '../../shared/protocol/results.js';
import { RawJson } from '../../shared/rpc/index.js';
import type { Session } from '../rpc/session.js';
import type { PendingCause, StateStore } from '../state/state-store.js';

/** A proxy that watches the table. */
interface Subscriber {
  readonly key: string;
  acknowledged: number;
  refused: { version: number; reason: string } | null;
  listening: readonly string[];
  /** Endpoints that it was told to leave and has not said are drained, with the version that they are no longer in. */
  readonly draining: Map<string, number>;
  /** How long it lets requests go on at such an endpoint, in milliseconds. */
  readonly drainMs: number;
}

/**
 * How long a proxy that is not connected is counted on to come back, in milliseconds. Its link ends with the plugin, the
 * host or the daemon, but its front door serves on by the table it has: until it has the new one, nothing may be stopped.
 */
const absenceMs = 10_000;
const usualDrainMs = 30_000;
/** A proxy ends what takes longer than its limit, and then says so: this is for the word to arrive. */
const drainSlackMs = 5_000;

/** After a look at the routes, the next one waits so many times as long as it took: a thousand changes are a few looks. */
const restPerWork = 3;

export interface RouteSources {
  /** The routes as they have to be now. */
  derive(): Route[];
  /** What the present state of a service came from. */
  causeOf(service: string): PendingCause;
  /** Where the front door listens. */
  bind(): readonly string[];
}

/**
 * The versioned route table and the proxies that apply it. Every change is a new version; who has to know that a version
 * is in force, or that an endpoint gets no requests any more, waits for the word of every proxy that is connected.
 */
export class RouteHub {
  private table: RouteTable;
  private json: RawJson;
  private readonly subscribers = new Map<Session, Subscriber>();
  private readonly listeners = new Set<() => void>();
  private scheduled: Promise<void> | null = null;
  /** What the table says, without its version: to see whether it has changed. */
  private said = JSON.stringify({ bind: [], routes: [] });
  /** When the next look is due at the earliest, on the clock of performance.now(). */
  private restsUntil = 0;
  /** A proxy serves somewhere that is not connected. */
  private absence: NodeJS.Timeout | null = null;

  constructor(private readonly store: StateStore, private readonly sources: RouteSources) {
    const version = Number(store.db.prepare("SELECT value FROM meta WHERE key = 'routes'").pluck().get() ?? 0);
    this.table = { version, bind: [], routes: [] };
    this.json = new RawJson(JSON.stringify(this.table));
    if (store.db.prepare("SELECT value FROM meta WHERE key = 'proxy'").pluck().get() === 'serves') this.beginAbsence();
  }

  /** The table as JSON text. */
  current(): RawJson {
    this.refresh();
    return this.json;
  }

  /** Where proxies say that they can be reached. */
  listening(): string[] {
    return [...new Set([...this.subscribers.values()].flatMap(({ listening }) => listening))];
  }

  /** Why a proxy does not apply the newest version, for the operator. */
  refusals(): string[] {
    return [...this.subscribers.values()].flatMap(({ refused }) => (refused === null ? [] : [refused.reason]));
  }

  /** Something that the table is made of may have changed: looks at the end of this turn of the loop, or soon when there is a lot to look at. */
  touch(): void {
    void this.refreshed();
  }

  /** Resolves when the table says what holds now. */
  private refreshed(): Promise<void> {
    this.scheduled ??= new Promise((resolve) => {
      const look = (): void => {
        this.scheduled = null;
        this.refresh();
        resolve();
      };
      const rest = this.restsUntil - performance.now();
      if (rest < 1) setImmediate(look);
      else setTimeout(look, rest);
    });
    return this.scheduled;
  }

  subscribe(session: Session, drainMs = usualDrainMs): RawJson {
    if (this.subscribers.has(session)) throw new HiveError('ALREADY_EXISTS', 'This connection watches the route table already.', { next: 'Open another connection for another proxy.' });
    const key = session.hold('routes', () => {
      if (this.subscribers.delete(session)) this.beginAbsence();
    });
    this.remember('serves');
    this.refresh();
    this.subscribers.set(session, { key, acknowledged: -1, refused: null, listening: [], draining: new Map(), drainMs });
    // Only now: who waits for a proxy that is away must find it as one that has said nothing yet.
    this.endAbsence();
    return this.json;
  }

  /** The proxy serves no more. */
  unsubscribe(session: Session): void {
    const subscriber = this.subscribers.get(session);
    if (subscriber === undefined) return;
    this.subscribers.delete(session);
    session.release(subscriber.key);
    if (this.subscribers.size === 0) this.remember('gone');
    this.tell();
  }

  acknowledge(session: Session, version: number, { listening, draining }: { listening: readonly string[] | undefined; draining: readonly string[] | undefined }): void {
    const subscriber = this.of(session);
    subscriber.acknowledged = Math.max(subscriber.acknowledged, version);
    subscriber.refused = null;
    if (listening !== undefined) subscriber.listening = listening;
    if (draining !== undefined) heedDraining(subscriber, version, draining);
    this.tell();
  }

  refuse(session: Session, version: number, reason: string): void {
    this.of(session).refused = { version, reason };
    this.tell();
  }

  drained(session: Session, endpoint: string): void {
    this.of(session).draining.delete(endpoint);
    this.tell();
  }

  /**
   * Resolves when every connected proxy applies the newest version; at once when there is none.
   * @throws HiveError CONFLICT when a proxy refuses it, TIMEOUT
   */
  async inForce(timeoutMs: number): Promise<void> {
    await this.refreshed();
    const { version } = this.table;
    await this.until(timeoutMs, `route version ${version} to be applied by every proxy`, () => {
      const refusal = [...this.subscribers.values()].find(({ refused }) => refused !== null && refused.version >= version)?.refused;
      if (refusal) throw new HiveError('CONFLICT', `A proxy refuses route version ${version}: ${refusal.reason}`, { next: 'See `hivectl routes`.' });
      return this.absence === null && [...this.subscribers.values()].every(({ acknowledged }) => acknowledged >= version);
    });
  }

  /**
   * Resolves when no proxy has a request under way at these endpoints, which have left the table; at the latest after
   * `limitMs`, or, where that is null, when every proxy has cut off what took longer than its own limit.
   */
  async drain(endpoints: readonly string[], limitMs: number | null): Promise<'drained' | 'limit'> {
    await this.refreshed();
    const longest = Math.max(usualDrainMs, ...[...this.subscribers.values()].map(({ drainMs }) => drainMs)) + drainSlackMs;
    try {
      await this.until(limitMs ?? longest, 'endpoints to drain', () => this.absence === null && [...this.subscribers.values()].every((subscriber) => hasLetGo(subscriber, endpoints)));
      return 'drained';
    } catch {
      return 'limit';
    }
  }

  private refresh(): void {
    const beganAt = performance.now();
    const next = { bind: [...this.sources.bind()], routes: this.sources.derive() };
    const said = JSON.stringify(next);
    if (said !== this.said) this.publish(next, said);
    const now = performance.now();
    this.restsUntil = now + restPerWork * (now - beganAt);
  }

  private publish(next: Omit<RouteTable, 'version'>, said: string): void {
    this.said = said;
    const before = endpointsOf(this.table.routes);
    const after = endpointsOf(next.routes);
    const gone = new Set([...before.keys()].filter((id) => !after.has(id)));
    const left = instancesOf(before, after);
    const joined = instancesOf(after, before);
    const [first] = [...left, ...joined];
    const cause = first === undefined ? undefined : this.sources.causeOf(first.slice(0, first.lastIndexOf('#')));
    const version = this.table.version + 1;
    this.table = { version, ...next };
    this.json = new RawJson(`{"version":${version},${said.slice(1)}`);
    void this.store.record((tx) => {
      tx.db.prepare("INSERT INTO meta VALUES ('routes', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(String(version));
      tx.append({ type: 'routes.changed', version, ...(left.length === 0 ? {} : { left }), ...(joined.length === 0 ? {} : { joined }) }, cause);
    });
    for (const [session, subscriber] of this.subscribers) {
      for (const endpoint of gone) subscriber.draining.set(endpoint, version);
      session.rpc.notify('routes', this.json);
    }
  }

  private beginAbsence(): void {
    if (this.absence !== null) clearTimeout(this.absence);
    this.absence = setTimeout(() => this.endAbsence(), absenceMs);
    this.absence.unref();
  }

  private endAbsence(): void {
    if (this.absence !== null) clearTimeout(this.absence);
    this.absence = null;
    this.tell();
  }

  private remember(proxy: 'serves' | 'gone'): void {
    void this.store.record((tx) => tx.db.prepare("INSERT INTO meta VALUES ('proxy', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(proxy));
  }

  private of(session: Session): Subscriber {
    const subscriber = this.subscribers.get(session);
    if (subscriber === undefined) throw new HiveError('CONFLICT', 'This connection does not watch the route table.', { next: 'Call routes.subscribe first.' });
    return subscriber;
  }

  private until(limitMs: number, what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.listeners.delete(look);
        settle();
      };
      const look = (): void => {
        try {
          if (holds()) finish(resolve);
        } catch (error) {
          finish(() => reject(toHiveError(error)));
        }
      };
      const timer = setTimeout(() => finish(() => reject(new HiveError('TIMEOUT', `Waited ${limitMs / 1_000} s for ${what}.`, { next: 'See `hivectl plugin list` for the state of the proxy.' }))), limitMs);
      this.listeners.add(look);
      look();
    });
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/**
 * One that has said nothing yet may have taken over processes that still serve requests there. One that refuses the table
 * would never say that it is done with what left it.
 */
function hasLetGo({ acknowledged, refused, draining }: Subscriber, endpoints: readonly string[]): boolean {
  return refused !== null || (acknowledged >= 0 && !endpoints.some((endpoint) => draining.has(endpoint)));
}

/**
 * What a proxy still drains when it has applied a version. It need not have applied each one before: of an endpoint that
 * came and went in versions that were overtaken on their way it knows nothing, and never says that it is drained.
 */
function heedDraining(subscriber: Subscriber, version: number, draining: readonly string[]): void {
  const still = new Set(draining);
  for (const [endpoint, left] of subscriber.draining) if (left <= version && !still.has(endpoint)) subscriber.draining.delete(endpoint);
  for (const endpoint of draining) if (!subscriber.draining.has(endpoint)) subscriber.draining.set(endpoint, version);
}

/** The instance behind each endpoint. */
function endpointsOf(routes: readonly Route[]): Map<string, string> {
  return new Map(routes.flatMap(({ endpoints }) => endpoints.map(({ id }) => [id, id.slice(0, id.lastIndexOf('/'))])));
}

/** The instances behind the endpoints that are in `these` and not in `those`. */
function instancesOf(these: ReadonlyMap<string, string>, those: ReadonlyMap<string, string>): string[] {
  return [...new Set([...these].filter(([id]) => !those.has(id)).map(([, instance]) => instance))];
}
