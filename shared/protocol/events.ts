/**
 * Every event type of the journal, with the fields it carries beside `{epoch, seq, time, type, cause?}`.
 * `docs/events.md` is compared with `eventTypes` by a test. Order promises are in docs/events.md and
 * test/promises/p10-events.test.ts.
 */
export const eventTypes = {
  'daemon.started': 'A daemon took the home over.',
  'daemon.shutdown': 'The daemon stops; the last event of a run.',
  'source.added': 'A source was registered.',
  'source.changed': 'A source was loaded anew and differs, or was enabled or disabled.',
  'source.removed': 'A source is gone; comes after the stops of all its services.',
  'source.error': 'A source could not be loaded; what ran goes on from the last good revision.',
  'service.created': 'A service appeared in a source.',
  'service.updated': 'The spec of a service changed.',
  'service.deleted': 'A service left its source.',
  'service.starting': 'An instance is being launched.',
  'service.started': 'An instance runs.',
  'service.stopped': 'An instance ended because somebody wanted it to.',
  'service.crashed': 'An instance ended by itself and not successfully, or is about to be restarted.',
  'service.failed': 'Hive gives up on a service until somebody acts.',
  'service.completed': 'A service that ends by design ended with exit 0.',
  'service.healthChanged': 'The verdict of the health checks of an instance changed.',
  'service.dependencyFailed': 'Something that a running service depends on failed, or lacks what it depends on itself.',
  'service.dependencyRecovered': 'It is well again.',
  'service.replicaStarted': 'A cluster runs a replica of a service on one of its nodes.',
  'service.replicaEnded': 'A replica of a service is not there any more; says why, and its cluster starts another where that is due.',
  'service.scaled': 'The number of wanted instances changed.',
  'service.adopted': 'A daemon that started found this instance alive and supervises it from now on.',
  'rollout.started': 'A deploy began.',
  'rollout.switched': 'Traffic goes to the new instances.',
  'rollout.finished': 'A deploy is complete.',
  'rollout.failed': 'A deploy was given up; says at which step and why.',
  'hook.started': 'A step of a hook began.',
  'hook.finished': 'A step of a hook ended well.',
  'hook.failed': 'A step of a hook failed, or was called off; says what follows from that.',
  'routes.changed': 'A new version of the route table exists.',
  'plugin.started': 'The process of a plugin was started.',
  'plugin.ready': 'A plugin finished its handshake.',
  'plugin.crashed': 'A plugin process ended unasked.',
  'plugin.unresponsive': 'A plugin does not answer pings.',
  'plugin.quarantined': 'A plugin failed too often and stays off until somebody releases it.',
  'plugin.stopped': 'A plugin ended because somebody wanted it to.',
  gap: 'Events between the cursor and here are past retention; a snapshot follows.',
} as const;

export type EventType = keyof typeof eventTypes;

/**
 * What led to an event: the sequence number of an earlier event, or the request of a client
 * (`{request: "services.stop", by: "hivectl"}`).
 */
export type Cause = number | { request: string; by: string };

/** Where and when an instance ended by itself. Exactly one of code, signal and unknown is set. */
export interface ExitFields {
  exitCode: number | null;
  signal: string | null;
  /** Why the exit result could not be known. */
  unknown?: string;
}

/**
 * Which step of which hook it was. `service` is `source:*` where the hook is one of the source itself. Steps count from 1 and
 * are written `2`, or `2.1` inside of `parallel`; `steps` is how many the hook has. `follows` says what a failure led to: another
 * attempt, the end of what the hook was for, nothing but this event; or somebody wanted something else meanwhile.
 */
export interface HookFields {
  service: string;
  hook: 'pre-up' | 'post-up' | 'pre-down' | 'post-down';
  step: string;
  steps: number;
  attempt: number;
}

/** Fields by event type. `instance` is an instance id (`source:service#1`), `service` a full name. */
export interface EventFields {
  'daemon.started': { version: string; pid: number; adopted: number };
  'daemon.shutdown': { reason: string; keepServices: boolean };
  'source.added': { source: string; path: string };
  'source.changed': { source: string; revision: number; changes: { service: string; action: string; fields: string[] }[] };
  'source.removed': { source: string };
  'source.error': { source: string; problems: number; first: string };
  'service.created': { service: string; source: string };
  'service.updated': { service: string; fields: string[] };
  'service.deleted': { service: string };
  'service.starting': { service: string; instance: string; reason: string };
  'service.started': { service: string; instance: string; pid?: number; containerId?: string };
  'service.stopped': { service: string; instance: string } & Partial<ExitFields>;
  'service.crashed': {
    service: string; instance: string; restartInMs: number | null; lastLines: string[]; uptimeMs: number; reason: string;
  } & ExitFields;
  'service.failed': { service: string; instance: string; reason: string; code?: string };
  'service.completed': { service: string; instance: string };
  'service.healthChanged': { service: string; instance: string; healthy: boolean; check: string; detail: string };
  'service.replicaStarted': { service: string; instance: string; node: string; containerId?: string };
  /** `reason`: a sentence's end, such as `exited with code 1`. */
  'service.replicaEnded': { service: string; instance: string; node: string; reason: string };
  /** `from` equals `to` where somebody asked for the number that there was. `reason`: why, in the words of whoever asked. */
  'service.scaled': { service: string; from: number; to: number; reason?: string };
  /** `dependency`: the next one down (of a use that nobody exposes, its name); `root`: the one that the trouble began with. */
  'service.dependencyFailed': { service: string; dependency: string; root: string; reason: string };
  'service.dependencyRecovered': { service: string; dependency: string; root: string };
  'service.adopted': { service: string; instance: string; pid?: number; containerId?: string };
  'rollout.started': { service: string; rollout: string };
  'rollout.switched': { service: string; color?: string };
  'rollout.finished': { service: string };
  'rollout.failed': { service: string; step: string; reason: string };
  'hook.started': HookFields;
  'hook.finished': HookFields & { tookMs: number };
  'hook.failed': HookFields & { tookMs: number; reason: string; follows: 'retry' | 'abort' | 'warn' | 'called-off'; retryInMs: number | null };
  /** `left`, `joined`: the instances that get no requests any more, and those that do now. */
  'routes.changed': { version: number; left?: string[]; joined?: string[] };
  'plugin.started': { plugin: string; pid: number };
  'plugin.ready': { plugin: string; version: string };
  'plugin.crashed': { plugin: string; exitCode: number | null; signal: string | null; restartInMs: number | null; reason: string };
  'plugin.unresponsive': { plugin: string };
  'plugin.quarantined': { plugin: string; reason: string };
  'plugin.stopped': { plugin: string };
  gap: { from: number; to: number };
}

export interface EventHeader {
  epoch: string;
  seq: number;
  /** ISO 8601, UTC. */
  time: string;
  cause?: Cause;
}

/** One event of the journal, a closed union over its `type`. */
export type HiveEvent = { [T in EventType]: EventHeader & { type: T } & EventFields[T] }[EventType];

/** An event before the journal has numbered it. */
export type NewEvent = { [T in EventType]: { type: T; cause?: Cause } & EventFields[T] }[EventType];
