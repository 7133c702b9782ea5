import type { Plugin } from './results.js';

/**
 * What the daemon, the plugin host and a plugin say to each other beside the methods of methods.ts
 * (docs/plugin-protocol.md). These are not for clients, so they are not rows of the table.
 *
 * Host, over its own connection:
 *   → `host.hello` HostHello ← HostWelcome. The token came to the host in HIVE_HOST_TOKEN.
 *   → `host.report` PluginReport, whenever a plugin changes.
 *   ← `host.command` HostCommand (a request; answered when the command took effect on the host's own state).
 *   ← `host.link` LinkReport (a notification): what the daemon sees of a plugin's link.
 * Host, over a new connection that it then hands to the plugin as descriptor 3:
 *   → `host.attach` AttachRequest ← {}. From then on the connection is the plugin's; its next message is `initialize`.
 *
 * Plugin, over its link:
 *   → `initialize` InitializeRequest ← InitializeAnswer; → `ready` (notification);
 *   ↔ `$/ping` (request without parameters); ← `plugin.call` {method, params}; ← `plugin.configure` {config};
 *   ← `shutdown` (request; answered when everything is done).
 *   ← `event` EventBatch and → `events.ack` as in methods.ts.
 */
export const protocolVersions = [1];

/** When a plugin runs without having been enabled or disabled by a person. */
export type Activation =
  | { kind: 'always' }
  | { kind: 'enabled' }
  | { kind: 'setting'; anyOf: string[] }
  | { kind: 'serviceHas'; feature: 'route' | 'scale' };

/** What discovery found out about a plugin without executing it. */
export interface PluginManifest {
  id: string;
  kind: 'core' | 'external';
  /** Absolute path of what to execute, and its arguments. */
  command: string[];
  workingDirectory: string;
  grants: string[];
  activation: Activation;
}

export interface HostHello { token: string; pid: number }

export interface HostWelcome {
  /** What people decided about plugins and what the host reported before; survives host and daemon. */
  plugins: RememberedPlugin[];
}

export interface RememberedPlugin {
  id: string;
  /** 'default': as the activation of its manifest says. */
  choice: 'enabled' | 'disabled' | 'default';
  quarantined: string | null;
  restarts: number;
  unstableRuns: number;
  /** A process that lived when the last host was seen, and whether its link is still open. */
  process: { pid: number; startTime: string; bootId: string; linked: boolean; ready: boolean } | null;
}

/** The whole of what the host knows about one plugin; the daemon stores it and adds what the link tells. */
export interface PluginReport {
  manifest: PluginManifest;
  state: Plugin['state'];
  reason: string;
  pid: number | null;
  process: { pid: number; startTime: string; bootId: string } | null;
  restarts: number;
  unstableRuns: number;
  quarantined: string | null;
  /** An event for the journal that this change is, if it is one. */
  event?: { type: 'plugin.started' | 'plugin.crashed' | 'plugin.quarantined' | 'plugin.stopped'; exitCode?: number | null; signal?: string | null; restartInMs?: number | null };
}

export type HostCommand =
  | { do: 'start'; plugin: string }
  | { do: 'stop'; plugin: string }
  | { do: 'restart'; plugin: string }
  | { do: 'rescan' };

export type LinkReport =
  | { plugin: string; link: 'ready'; version: string }
  | { plugin: string; link: 'unresponsive' }
  | { plugin: string; link: 'responsive' }
  | { plugin: string; link: 'closed' }
  | { plugin: string; link: 'refused'; reason: string };

export interface AttachRequest { token: string; manifest: PluginManifest; pid: null }

export interface InitializeRequest {
  protocolVersions: number[];
  name: string;
  version: string;
  token?: string;
}

export interface InitializeAnswer {
  protocolVersion: number;
  daemonVersion: string;
  pluginId: string;
  grants: string[];
  config: Record<string, unknown>;
  dataDir: string;
}

export interface EventBatch {
  epoch: string;
  events: Record<string, unknown>[];
  /** The sequence number up to which the journal was looked at; at least that of the last event. */
  through: number;
}
