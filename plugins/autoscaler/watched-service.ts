import type { Scale } from '../../shared/client/index.js';
import { decide, type Condition, type Decision, type Memory } from './decide.js';
import { measure, type Figures, type Measured, type Sample } from './usage.js';

export interface Measuring {
  /** Over how long use is averaged, and the time between two samples; milliseconds. */
  readonly windowMs: number;
  readonly everyMs: number;
}

/** One service as the autoscaler follows it: what was measured, and what is remembered. It has no clock. */
export class WatchedService {
  #samples: Sample[] = [];
  #memory: Memory;
  #instances: number | null = null;

  constructor(nowMs: number) {
    this.#memory = { changedAtMs: nowMs, quiet: null };
  }

  look(atMs: number, figures: ReadonlyMap<string, Figures>, { windowMs, everyMs }: Measuring): void {
    this.#samples.push({ atMs, figures });
    const oldest = atMs - windowMs - everyMs;
    while ((this.#samples[0]?.atMs ?? atMs) < oldest) this.#samples.shift();
  }

  measured(instances: readonly string[], nowMs: number, measuring: Measuring): Measured {
    return measure({ samples: this.#samples, instances, nowMs, ...measuring });
  }

  /** What to do now. `remembers` false: only asked, as by `explain`; nothing is remembered of it. */
  decide(scale: Scale, condition: Condition, measured: Measured, nowMs: number, remembers = true): Decision {
    let from = this.#memory;
    // Whoever changed it, its instances share the load anew.
    if (this.#instances !== null && this.#instances !== scale.instances) from = { changedAtMs: nowMs, quiet: null };
    const { decision, memory } = decide({ nowMs, scale, condition, measured, memory: from });
    if (remembers) {
      this.#memory = memory;
      this.#instances = scale.instances;
    }
    return decision;
  }

  /** The number was changed, to this. */
  scaled(to: number, nowMs: number): void {
    this.#instances = to;
    this.#memory = { changedAtMs: nowMs, quiet: null };
  }
}
