import type { ServiceFeature } from '../../shared/protocol/link.js';
import type { RpcConnection } from '../../shared/rpc/index.js';
import type { StateStore } from '../state/state-store.js';

/** Who a connection is, as far as plugins are concerned; it begins as the owner's. */
export type SessionIdentity =
  | { readonly kind: 'owner' }
  | { readonly kind: 'host' }
  | { readonly kind: 'plugin'; readonly id: string; readonly grants: readonly string[] };

/** One connection to the daemon. */
export interface PluginSession {
  identity: SessionIdentity;
  readonly rpc: RpcConnection;
}

/** What the plugin system needs of the daemon around it. */
export interface PluginDaemon<Session extends PluginSession = PluginSession> {
  /** Absolute; the home folder and the socket in it. */
  readonly home: string;
  readonly socket: string;
  readonly version: string;
  readonly store: StateStore;
  /** How far the event subscription of a connection has come; null without one. */
  readonly progressOf: (session: Session) => { lag: number; lastAck: number } | null;
  /** What hive.yaml says under `plugins.<id>`; {} when it says nothing. */
  readonly settingsOf: (plugin: string) => Record<string, unknown>;
  /** The daemon's own, from which settings come that hive.yaml leaves out. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether any service has a route, or a `scale` section. */
  readonly someServiceHas: (feature: ServiceFeature) => boolean;
  /** A sentence for the daemon's log. */
  readonly warn: (sentence: string) => void;
}

/** The request that something was done for, as events name their cause. */
export interface Requested { readonly request: string; readonly by: string }
