import type { RunningInstance } from '../runner/runner.js';
import type { ReplicaVerdicts } from './replicas.js';
import type { ErrorCode } from '../../shared/errors/index.js';

/**
 * What an instance is, as far as the daemon has observed. What is wanted of it is never part of this: it comes with the
 * context of each step (transitions.ts).
 *
 *              start            gate opens        built           launched
 *   stopped ──────────▶ waiting ─────────▶ building ─────▶ starting ─────▶ running
 *      ▲                   ▲  gate opens, nothing to build ───▲    │ fails    │ exits by itself
 *      │ all gone          │ time is over                     │    ▼          ▼
 *   stopping ◀── stop ── backoff ◀───────── restart policy ───┴─────────── failed | completed
 */
export type InstanceState =
  | { readonly kind: 'stopped' }
  /** Wanted, and held back by what it depends on. `blocked`: that cannot come up until somebody acts. `why` it is to start. */
  | { readonly kind: 'waiting'; readonly on: string; readonly blocked: boolean; readonly why: string }
  | { readonly kind: 'building' }
  | { readonly kind: 'starting'; readonly incarnation: string }
  /** `replicas`: what Hive's checks found of each, where it has replicas. */
  | { readonly kind: 'running'; readonly process: RunningInstance; readonly healthy: boolean | null; readonly detail: string | null; readonly replicas?: ReplicaVerdicts }
  /** `launching`: the launch is still under way and its process not known yet. */
  | { readonly kind: 'stopping'; readonly incarnation: string; readonly launching: boolean; readonly purpose: StopPurpose }
  /** `untilMs` is on the monotonic clock. */
  | { readonly kind: 'backoff'; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly code: ErrorCode | null; readonly leftover: RunningInstance | null; readonly survivors: readonly number[] }
  | { readonly kind: 'completed' };

/** What happens once everything of the old incarnation is gone, as long as it is still wanted up. */
export type StopPurpose =
  | { readonly kind: 'down' }
  | { readonly kind: 'restart'; readonly why: string }
  /** The restart policy decides, as after a crash. */
  | { readonly kind: 'unhealthy'; readonly detail: string; readonly uptimeMs: number }
  /** It has failed, for a reason outside of it. */
  | { readonly kind: 'giveUp'; readonly why: string; readonly code: ErrorCode };

export type StateKind = InstanceState['kind'];
export type StateOf<K extends StateKind> = Extract<InstanceState, { kind: K }>;
