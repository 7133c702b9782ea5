import type { DaemonClient } from '../client/index.js';
import type { EventType, HiveEvent } from '../protocol/events.js';
import type { Result } from '../protocol/methods.js';

/** The state of everything at the moment from which events follow. */
export type Snapshot = Result<'events.subscribe'>['snapshot'];

/** Names of event types, or a family such as `service.*`. */
export type EventPattern = EventType | `${string}.*`;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a plugin gets to know about itself. */
export interface PluginContext {
  /** The id under which Hive knows it; `name` is what it calls itself. */
  readonly id: string;
  /** Absolute; a folder that only this plugin writes. It outlives the plugin's process. */
  readonly dataDir: string;
  /** What hive.yaml says under `plugins.<id>`. */
  readonly config: Record<string, unknown>;
  readonly grants: readonly string[];
  readonly daemonVersion: string;
  /** Writes one line to the plugin's output, which Hive keeps in `logs/.plugins/<id>`. */
  readonly log: (level: LogLevel, message: string) => void;
  /** Says in a sentence how it is, which `hivectl plugin list` shows while it is ready; '' takes the last one back. */
  readonly status: (sentence: string) => void;
  /** Tells that starting goes on, for a plugin whose `init` may take longer than a minute. */
  readonly progress: (message?: string) => void;
}

/** What answering a call may use beside its parameters. */
export interface CallContext {
  /** Aborted when the caller withdraws the call or is gone. */
  readonly signal: AbortSignal;
  /** Tells the caller how far it is. */
  progress(value: unknown): void;
}

/** Why a plugin is to end: it was asked to, its link to the daemon ended, or it got SIGTERM. */
export type ShutdownReason = 'asked' | 'restart' | 'linkLost' | 'signal';

/** A plugin that extends the orchestrator through a DaemonClient. `definePlugin` fills in what is left out. */
export interface CorePlugin {
  readonly name: string;
  readonly version: string;
  /** Which events it gets; absent: all of them. */
  readonly events?: readonly EventPattern[] | ((config: Record<string, unknown>) => readonly EventPattern[]);
  /**
   * Runs before the first event. The plugin counts as ready when it returns. A HiveError INVALID_CONFIG says that trying
   * again is useless until the settings change; after anything else that is thrown the plugin is started again.
   */
  init(client: DaemonClient, context: PluginContext): Promise<void> | void;
  /**
   * Gets every event, in order, one at a time. When it returns, the event is done and will not come again, also not after
   * a crash. When it throws, it gets the same event again, a few times, with growing pauses.
   */
  onEvent(event: HiveEvent): Promise<void> | void;
  /** Gets the state of everything before the first event, and again after a `gap`. */
  onSnapshot?(snapshot: Snapshot): Promise<void> | void;
  /** Answers `plugins.call`. Absent: every call is refused. */
  onCall?(method: string, params: unknown, call: CallContext): unknown;
  /** Takes changed settings. Absent: the plugin is started again with them. */
  onConfig?(config: Record<string, unknown>): Promise<void> | void;
  /** Runs at the end; it has five seconds. */
  shutdown(reason: ShutdownReason): Promise<void> | void;
}
