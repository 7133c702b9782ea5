import type { ErrorCode } from '../../shared/errors/index.js';
import type { ExitResult, RunningInstance } from '../runner/runner.js';

/** Everything that can happen to an instance. */
export type InstanceEvent =
  /** The operator, or a daemon that comes up, wants the instance up; `why` for the record. */
  | { readonly kind: 'start'; readonly why: string }
  | { readonly kind: 'stop' }
  /** A new incarnation is wanted: by the operator, because the spec changed, or because a dependency was restarted. */
  | { readonly kind: 'restart'; readonly why: string }
  | { readonly kind: 'gateOpened'; readonly mustBuild: boolean }
  | { readonly kind: 'gateClosed'; readonly on: string; readonly blocked: boolean }
  | { readonly kind: 'built' }
  | { readonly kind: 'buildFailed'; readonly why: string }
  | { readonly kind: 'launched'; readonly process: RunningInstance }
  | { readonly kind: 'launchFailed'; readonly why: string; readonly code: ErrorCode }
  /** Nothing was launched: what it uses has gone since the launch was decided on. */
  | { readonly kind: 'heldBack'; readonly incarnation: string }
  | { readonly kind: 'exited'; readonly incarnation: string; readonly exit: ExitResult; readonly uptimeMs: number; readonly lastLines: readonly string[]; readonly diagnosis?: string }
  /** The same incarnation, elsewhere: its engine moved it. */
  | { readonly kind: 'moved'; readonly process: RunningInstance }
  /** What Hive's checks found of one of its replicas. */
  | { readonly kind: 'replicaVerdict'; readonly incarnation: string; readonly replica: string; readonly healthy: boolean; readonly check: string; readonly detail: string }
  /** The stop ladder is through and nothing is left of the incarnation. */
  | { readonly kind: 'gone'; readonly incarnation: string; readonly exit: ExitResult }
  | { readonly kind: 'stopFailed'; readonly incarnation: string; readonly process: RunningInstance; readonly why: string; readonly survivors: readonly number[] }
  | { readonly kind: 'backoffOver' }
  /** A hook failed that has to succeed: it goes down, or is not started, and stays so until somebody acts. */
  | { readonly kind: 'giveUp'; readonly why: string; readonly code: ErrorCode }
  | { readonly kind: 'verdict'; readonly incarnation: string; readonly healthy: boolean; readonly check: string; readonly detail: string; readonly uptimeMs: number };

export type EventKind = InstanceEvent['kind'];
export type EventOf<K extends EventKind> = Extract<InstanceEvent, { kind: K }>;
