import { WatchedService } from '../../plugins/autoscaler/watched-service.js';
import type { Figures } from '../../plugins/autoscaler/usage.js';
import type { Scale } from '../../shared/client/index.js';

export const defaultScale: Scale = {
  instances: 1, min: 1, max: 10, cpuUp: 0.8, cpuDown: 0.2, memoryUpBytes: null, memoryDownBytes: null, cooldownUpMs: 60_000, cooldownDownMs: 300_000,
};

export const second = 1_000;
export const minute = 60_000;

/** What a service under simulation is given, at a time in milliseconds. */
export interface World {
  /** Cores that the work of this moment takes, over all instances. */
  readonly load: (atMs: number) => number;
  /** The most that one instance can use: 1 for a program with one thread. */
  readonly mostPerInstance?: number;
  /** What an instance uses besides its part of the work. */
  readonly idleCpu?: number;
  readonly memory?: (atMs: number, instances: number) => number;
  /** Changes the figures of a sample before they are seen; null: the sample is lost. */
  readonly tamper?: (figures: Map<string, Figures>, atMs: number) => Map<string, Figures> | null;
  /** How long a new instance takes until it does its part. */
  readonly startMs?: number;
}

export interface Scaled { readonly atMs: number; readonly from: number; readonly to: number }

export const times = { everyMs: 5 * second, checkMs: 30 * second, windowMs: minute };

/**
 * Runs the autoscaler's decisions against a service that is not there, in a time that is not there either: each decision
 * changes how the load is shared, as in life.
 */
export function simulate(scale: Partial<Scale>, world: World, forMs: number): Scaled[] {
  const { load, mostPerInstance = Infinity, idleCpu = 0, memory = () => 50 * 2 ** 20, tamper, startMs = 2 * second } = world;
  const watched = new WatchedService(0);
  let now: Scale = { ...defaultScale, ...scale };
  let settledAtMs = 0;
  const changes: Scaled[] = [];
  for (let atMs = 0; atMs <= forMs; atMs += times.everyMs) {
    const ids = Array.from({ length: now.instances }, (_, index) => `app:web#${index + 1}`);
    const each = { cpu: Math.min(mostPerInstance, load(atMs) / now.instances + idleCpu), memoryBytes: memory(atMs, now.instances) };
    const seen = new Map(ids.map((id) => [id, each]));
    const figures = tamper === undefined ? seen : tamper(seen, atMs);
    if (figures !== null) watched.look(atMs, figures, times);
    if (atMs % times.checkMs !== 0) continue;
    const condition = atMs < settledAtMs ? { kind: 'unsettled', why: 'it starts' } as const : { kind: 'settled' } as const;
    const decision = watched.decide(now, condition, watched.measured(ids, atMs, times), atMs);
    if (decision.kind === 'hold') continue;
    changes.push({ atMs, from: now.instances, to: decision.to });
    if (decision.to > now.instances) settledAtMs = atMs + startMs;
    now = { ...now, instances: decision.to };
    watched.scaled(decision.to, atMs);
  }
  return changes;
}

/** How often the number went up and then down again, or down and then up. */
export function turns(changes: readonly Scaled[]): number {
  const directions = changes.map(({ from, to }) => Math.sign(to - from));
  return directions.filter((direction, index) => index > 0 && direction !== directions[index - 1]).length;
}

export function lastCount(changes: readonly Scaled[], first = 1): number {
  return changes.at(-1)?.to ?? first;
}
