import type { RestartSpec } from '../../shared/config/service-spec.js';
import type { NewEvent } from '../../shared/protocol/events.js';
import type { RunningInstance } from '../runner/runner.js';
import type { InstanceState } from './instance-state.js';
import type { RestartHistory } from './restart-policy.js';

/** What a step may look at beside the state and the event; plain values, so that deciding is a function of them. */
export interface StepContext {
  readonly service: string;
  /** `source:service#1` */
  readonly instance: string;
  readonly wanted: 'up' | 'down';
  readonly restart: RestartSpec;
  readonly history: RestartHistory;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: number;
  /** The id that a new incarnation would get. */
  readonly nextIncarnation: string;
}

/** What is to be done after a step; the supervisor does it once the step is on disk. */
export type Effect =
  | { readonly do: 'checkGate' }
  | { readonly do: 'build' }
  | { readonly do: 'abortBuild' }
  | { readonly do: 'launch'; readonly incarnation: string }
  | { readonly do: 'stop'; readonly process: RunningInstance }
  /** Remove what an incarnation that ended by itself left running. */
  | { readonly do: 'sweep'; readonly process: RunningInstance }
  /** Its cluster is to replace all replicas: none of them is healthy. */
  | { readonly do: 'renewReplicas'; readonly process: RunningInstance }
  /** The end of the incarnation is on disk: its run record may go. */
  | { readonly do: 'forget'; readonly incarnation: string }
  | { readonly do: 'wakeAfter'; readonly ms: number }
  | { readonly do: 'cancelWake' };

/** One step of the reconciler. Each event is the cause of the next one in the list. */
export interface Step {
  readonly next: InstanceState;
  readonly history: RestartHistory;
  readonly effects: readonly Effect[];
  readonly events: readonly NewEvent[];
  /** Whether a run that ended by itself is being followed by another: counted as a restart. */
  readonly restarted: boolean;
}
