import type { ProcessIdentity } from '../process/identity.js';
import type { Plugin } from './results.js';

/**
 * What the daemon, the plugin host and a plugin say to each other beside the methods of methods.ts
 * (docs/plugin-protocol.md). These are not for clients, so they are not rows of the table.
 *
 * A *run* is one life of a plugin's process, named by a random id that the host chooses. Every message about a process
 * or a link carries its run, so that the last words of an old run are never taken for those of the new one.
 *
 * Host, over its own connection:
 *   → `host.hello` HostHello ← HostWelcome. The token came to the host in HIVE_HOST_TOKEN.
 *   → `host.inventory` Inventory (a request): all that discovery found, after the hello and after every scan.
 *   → `host.report` PluginReport (a request; answered when it is remembered), whenever a plugin changes.
 *   → `host.expect` ExpectRequest: a plugin that connects by itself will come with this token.
 *   → `host.close` {plugin, run, again} (a request): asks the plugin to shut down; answered when it did, or its link is gone.
 *   ← `host.command` HostCommand (a request; answered when the command took effect on the host's own state;
 *     `rescan` answers the Inventory, `shutdown` when every plugin has ended).
 *   ← `host.link` LinkReport (a notification): what the daemon sees of a plugin's link.
 *   ↔ `$/ping`.
 * Host, over a new connection that it then hands to the plugin as descriptor 3:
 *   → `host.attach` AttachRequest ← {}. From then on the connection is the plugin's; its next message is `initialize`.
 *
 * Plugin, over its link:
 *   → `initialize` InitializeRequest ← InitializeAnswer; → `ready` (notification);
 *   → `$/progress` (notification) while starting: the time it has until `ready` begins anew;
 *   → `failed` FailedNotice (notification): it cannot work as configured; it is ended and not restarted by itself;
 *   → `status` StatusNotice (notification): what it wants shown beside its name while it is ready;
 *   ↔ `$/ping` (request without parameters); ← `plugin.call` {method, params}; ← `plugin.configure` {config}, answered
 *     with METHOD_NOT_FOUND by a plugin that wants to be restarted instead;
 *   ← `shutdown` (request; answered when everything is done).
 *   ← `event` EventBatch and → `events.ack` as in methods.ts.
 */
export const protocolVersions = [1];

/** When a plugin runs without having been enabled or disabled by a person. */
export type Activation =
  | { kind: 'always' }
  | { kind: 'enabled' }
  | { kind: 'setting'; anyOf: string[] }
  | { kind: 'serviceHas'; feature: ServiceFeature };

export type ServiceFeature = 'route' | 'scale';

/** What discovery found out about a plugin without executing it. */
export interface PluginManifest {
  id: string;
  kind: 'core' | 'external';
  /** Absolute path of what to execute, and its arguments. */
  command: string[];
  /** Null: its data folder. */
  workingDirectory: string | null;
  grants: string[];
  activation: Activation;
  /** How it reaches the daemon: an inherited descriptor, or HIVE_SOCKET and a one-time HIVE_TOKEN. */
  connect: 'descriptor' | 'token';
  /** Names of environment variables it gets beyond the usual ones; a trailing `*` stands for any rest. */
  environment: string[];
  /** Settings that hive.yaml leaves out are taken from the first of these variables of the daemon that is set. */
  settingsFromEnvironment: Record<string, string[]>;
  /** It is restarted when its resident memory exceeds this, in bytes. */
  memoryLimit: number;
}

export interface HostHello { token: string; pid: number }

export interface HostWelcome {
  /** What the host reported before; survives host and daemon. */
  plugins: RememberedPlugin[];
}

/** Which process a plugin is, for good, and which of its runs. */
export interface PluginProcess extends ProcessIdentity { readonly run: string }

export interface RememberedPlugin {
  id: string;
  /** 'default': as the activation of its manifest says. */
  choice: 'enabled' | 'disabled' | 'default';
  quarantined: string | null;
  restarts: number;
  unstableRuns: number;
  /** A process that lived when the last host was seen, and how its link stands now. */
  process: (PluginProcess & { link: 'none' | 'open' | 'ready' }) | null;
}

/** The whole of what the host knows about one plugin; the daemon stores it and adds what the link tells. */
export interface PluginReport {
  manifest: PluginManifest;
  /** Never `disabled`: what people decided is the daemon's knowledge. */
  state: Exclude<Plugin['state'], 'disabled'>;
  reason: string;
  process: PluginProcess | null;
  restarts: number;
  unstableRuns: number;
  quarantined: string | null;
  /** An event for the journal that this change is, if it is one. */
  event?:
    | { type: 'plugin.started'; pid: number }
    | { type: 'plugin.crashed'; exitCode: number | null; signal: string | null; restartInMs: number | null; reason: string }
    | { type: 'plugin.quarantined'; reason: string }
    | { type: 'plugin.stopped' };
}

export interface Inventory {
  plugins: PluginReport[];
  /** Entries of the plugins folder that are not run, and why. */
  skipped: { entry: string; reason: string }[];
}

export type HostCommand =
  /** Brings a plugin up; nothing happens to one that is up, quarantined or failed. */
  | { do: 'start'; plugin: string }
  | { do: 'stop'; plugin: string }
  /** Ends the plugin if it runs and starts it anew, with a clean slate: out of backoff, quarantine and failure too. */
  | { do: 'restart'; plugin: string }
  | { do: 'rescan' }
  | { do: 'shutdown' };

export type LinkReport = { plugin: string; run: string } & (
  | { link: 'ready'; version: string }
  | { link: 'unresponsive' }
  | { link: 'responsive' }
  /** The plugin ignores its second chance, never got ready or broke the rules: it is to be ended and counts as crashed. */
  | { link: 'hopeless'; reason: string }
  /** The link ended before the process; `reason` says why. */
  | { link: 'closed'; reason: string }
  /** No common protocol version, or the plugin said that it cannot work: it is to be ended and not restarted. */
  | { link: 'refused'; reason: string }
);

export interface AttachRequest { token: string; manifest: PluginManifest; run: string }

export interface ExpectRequest { manifest: PluginManifest; run: string; pluginToken: string }

export interface InitializeRequest {
  protocolVersions: number[];
  name: string;
  version: string;
  /** The content of HIVE_TOKEN, where the plugin connects by itself. */
  token?: string;
}

export interface InitializeAnswer {
  protocolVersion: number;
  daemonVersion: string;
  pluginId: string;
  grants: string[];
  /** What hive.yaml says under `plugins.<id>`, without `enabled`. */
  config: Record<string, unknown>;
  /** Absolute; the plugin's own writable folder. */
  dataDir: string;
}

export interface FailedNotice { reason: string }

export interface StatusNotice {
  /** One sentence; an empty one takes the last one back. */
  reason: string;
}

export interface EventBatch {
  epoch: string;
  events: Record<string, unknown>[];
  /** The sequence number up to which the journal was looked at; at least that of the last event. */
  through: number;
}
