import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PluginSystem } from '../../daemon/plugins/plugin-system.js';
import type { SessionIdentity } from '../../daemon/plugins/plugin-daemon.js';
import { StateStore } from '../../daemon/state/state-store.js';
import type { EventType, HiveEvent, NewEvent } from '../../shared/protocol/events.js';
import type { ServiceFeature } from '../../shared/protocol/link.js';
import { connectRpc, listenRpc, methodNotFound, type RpcConnection, type RpcServer } from '../../shared/rpc/index.js';
import { defaultTimings, timingsVariable, type PluginTimings } from '../../shared/plugin/plugin-timings.js';
import { until } from './until.js';

interface Session { identity: SessionIdentity; rpc: RpcConnection; subscription?: Subscription }
interface Subscription { name: string; types: string[] | null; sent: number; acked: number }

/** Lives fast, so that a test need not wait a minute for a verdict. */
export const quick: PluginTimings = {
  ...defaultTimings, pingIntervalMs: 200, secondChanceMs: 600, readyWithinMs: 2_000, backoffFirstMs: 50, backoffLongestMs: 1_000,
  stableAfterMs: 5_000, shutdownMs: 1_000, exitMs: 300, terminateMs: 500, settleMs: 100, inspectMs: 100,
};

/** A daemon that has nothing but a journal and plugins: the real store, the real plugin system, the real host and processes. */
export class TinyDaemon {
  readonly plugins: PluginSystem<Session>;
  readonly store: StateStore;
  readonly warnings: string[] = [];
  settings: Record<string, Record<string, unknown>> = {};
  readonly environment: Record<string, string> = {};
  readonly features = new Set<ServiceFeature>();
  readonly #sessions = new Set<Session>();
  #server: RpcServer | undefined;

  private constructor(readonly home: string) {
    this.store = new StateStore(join(home, 'state.db'));
    this.plugins = new PluginSystem<Session>({
      home, socket: join(home, 'hive.sock'), version: '0.0.0-test', store: this.store,
      progressOf: ({ subscription }) => (subscription === undefined ? null : { lag: this.store.seq - subscription.acked, lastAck: subscription.acked }),
      environment: this.environment,
      settingsOf: (id) => this.settings[id] ?? {},
      someServiceHas: (feature) => this.features.has(feature),
      warn: (sentence) => void this.warnings.push(sentence),
    });
    this.store.onCommitted(() => { for (const session of this.#sessions) this.#send(session); });
  }

  /** Starts one in a home of its own, or in that of one before. */
  static async start({ home, timings = {}, prepare }: { home?: string; timings?: Partial<PluginTimings>; prepare?: (daemon: TinyDaemon) => void } = {}): Promise<TinyDaemon> {
    process.env[timingsVariable] = JSON.stringify({ ...quick, ...timings });
    const folder = home ?? mkdtempSync(join(tmpdir(), 'hive-plugins-'));
    mkdirSync(join(folder, 'plugins'), { recursive: true, mode: 0o700 });
    const daemon = new TinyDaemon(folder);
    prepare?.(daemon);
    daemon.#server = await listenRpc(join(folder, 'hive.sock'), (socket) => {
      const session: Session = {
        identity: { kind: 'owner' },
        rpc: connectRpc(socket, {
          name: 'a connection',
          onRequest: (method, params) => daemon.plugins.handle(session, method, params) ?? daemon.#answer(session, method, params),
          onNotification: (method, params) => {
            if (method === 'events.ack') daemon.#answer(session, method, params);
            else daemon.plugins.notified(session, method, params);
          },
        }),
      };
      daemon.#sessions.add(session);
      void session.rpc.closed.then(() => {
        daemon.#sessions.delete(session);
        daemon.plugins.closed(session);
      });
    });
    daemon.plugins.start();
    return daemon;
  }

  get pluginsFolder(): string {
    return join(this.home, 'plugins');
  }

  dataOf(plugin: string): string {
    return join(this.home, 'plugin-data', plugin);
  }

  append(event: NewEvent): Promise<number> {
    return this.store.record((tx) => tx.append(event)).then(({ seq }) => seq);
  }

  /** Everything in the journal, or the events of one type. */
  events(type?: EventType): HiveEvent[] {
    const rows = this.store.db.prepare('SELECT body FROM events ORDER BY seq').pluck().all() as string[];
    return rows.map((body) => JSON.parse(body) as HiveEvent).filter((event) => type === undefined || event.type === type);
  }

  /** Waits until a plugin is in one of these states. */
  async state(plugin: string, ...states: string[]): Promise<ReturnType<TinyDaemon['plugins']['get']>> {
    return until(`plugin ${plugin} is ${states.join(' or ')}`, () => {
      const found = this.plugins.list().find(({ id }) => id === plugin);
      return found !== undefined && states.includes(found.state) ? found : undefined;
    }, () => JSON.stringify(this.plugins.list().find(({ id }) => id === plugin)));
  }

  async stop(keepHome = false): Promise<void> {
    await this.plugins.shutdown();
    this.#server?.close();
    for (const { rpc } of this.#sessions) rpc.close();
    this.store.close();
    if (!keepHome) rmSync(this.home, { recursive: true, force: true });
  }

  #answer(session: Session, method: string, params: unknown): unknown {
    switch (method) {
      case 'daemon.ping': return { time: new Date().toISOString() };
      case 'services.list': return { services: [] };
      case 'events.subscribe': {
        const { name, types = null } = params as { name: string; types?: string[] };
        const at = this.#cursor(name) ?? this.store.seq;
        session.subscription = { name, types, sent: at, acked: at };
        this.#moveCursor(name, at);
        setImmediate(() => this.#send(session));
        return { snapshot: { services: [], sources: [], plugins: [] }, epoch: this.store.epoch, seq: this.store.seq };
      }
      case 'events.ack': {
        const { seq } = params as { seq: number };
        if (session.subscription !== undefined) {
          session.subscription.acked = seq;
          this.#moveCursor(session.subscription.name, seq);
        }
        return {};
      }
      default: throw methodNotFound(method);
    }
  }

  #send(session: Session): void {
    const { subscription } = session;
    if (subscription === undefined) return;
    const rows = this.store.db.prepare('SELECT seq, type, body FROM events WHERE seq > ? ORDER BY seq').all(subscription.sent) as { seq: number; type: string; body: string }[];
    const events = rows.filter(({ type }) => subscription.types === null || subscription.types.includes(type)).map(({ body }) => JSON.parse(body) as object);
    subscription.sent = rows.at(-1)?.seq ?? subscription.sent;
    if (events.length > 0) session.rpc.notify('event', { epoch: this.store.epoch, events, through: subscription.sent });
  }

  #cursor(name: string): number | undefined {
    return this.store.db.prepare('SELECT seq FROM cursors WHERE name = ?').pluck().get(name) as number | undefined;
  }

  #moveCursor(name: string, seq: number): void {
    this.store.db.prepare('INSERT INTO cursors VALUES (?, ?, 0) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq').run(name, seq);
  }
}
