import type { DependencySpec } from '../../shared/config/service-spec.js';
import type { StopPurpose } from '../reconciler/instance-state.js';
import type { EngineTrouble } from '../runner/runners.js';
import type { Service } from '../../shared/protocol/results.js';

/** Whether a service may start, as far as what it depends on is concerned. */
export type Gate =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed'; readonly on: string; readonly blocked: boolean };

/** Of two gates: open when both are. */
export function bothOpen(one: Gate, other: Gate): Gate {
  if (one.kind === 'open') return other;
  if (other.kind === 'open') return one;
  return { kind: 'closed', on: `${one.on} and ${other.on}`, blocked: one.blocked || other.blocked };
}

/** Whether the engine of a service can start something. */
export function engineGate(trouble: EngineTrouble | null): Gate {
  return trouble === null ? { kind: 'open' } : { kind: 'closed', on: trouble.sentence, blocked: !trouble.passes };
}

/** What the gate looks at of a dependency. */
export type DependencyView = Pick<Service, 'state' | 'healthy' | 'wanted' | 'reason'> & {
  readonly hasHealthCheck: boolean;
  /** While it is stopping: what for. */
  readonly stoppingFor: StopPurpose['kind'] | null;
  /** It waits itself, for something that will not come up by itself. */
  readonly blocked: boolean;
  /** The hook that runs before it counts as up. */
  readonly comingUp: string | null;
};

/**
 * `started`: its process runs (or it has completed). `healthy`: runs and its checks pass; without checks, that it runs.
 * `completed`: it ended with exit 0. The sentence names every dependency that is missing; `blocked` says that one of them
 * will not come up by itself.
 */
export function dependencyGate(dependencies: readonly DependencySpec[], look: (name: string) => DependencyView | undefined): Gate {
  const missing: string[] = [];
  let blocked = false;
  for (const dependency of dependencies) {
    const view = look(dependency.name);
    if (view === undefined) {
      missing.push(`${dependency.name}, which does not exist`);
      blocked = true;
      continue;
    }
    const verdict = judgeDependency(dependency, view);
    if (verdict === 'met') continue;
    missing.push(verdict.sentence);
    blocked ||= verdict.blocked;
  }
  return missing.length === 0 ? { kind: 'open' } : { kind: 'closed', on: `waiting for ${missing.join(' and for ')}`, blocked };
}

/** Whether one dependency is met; the sentence goes on from "waiting for". */
export function judgeDependency({ name, condition }: DependencySpec, view: DependencyView): 'met' | { sentence: string; blocked: boolean } {
  if (view.state === 'failed') return { sentence: `${name}, which failed: ${view.reason}`, blocked: true };
  // Without what it waits for: where services use each other in a circle, the sentence would grow for ever.
  if (view.blocked) return { sentence: `${name}, which cannot start either`, blocked: true };
  if (view.comingUp !== null && (view.state === 'running' || view.state === 'completed')) return { sentence: `${name}, whose ${view.comingUp} runs`, blocked: false };
  switch (condition) {
    case 'completed':
      if (view.state === 'completed') return 'met';
      break;
    case 'started':
      if (view.state === 'running' || view.state === 'completed') return 'met';
      break;
    case 'healthy':
      if (view.state === 'running' && (view.healthy === true || !view.hasHealthCheck)) return 'met';
      if (view.state === 'completed' && !view.hasHealthCheck) return 'met';
      if (view.state === 'completed') return { sentence: `${name} to be healthy; it has ended`, blocked: true };
      if (view.state === 'running' && view.healthy === false) return { sentence: `${name}, which is not healthy`, blocked: false };
      break;
  }
  const to = { completed: 'to complete', started: 'to start', healthy: 'to be healthy' }[condition];
  if (view.wanted === 'down') return { sentence: `${name} ${to}; it is stopped`, blocked: true };
  return { sentence: `${name} ${to}`, blocked: false };
}
