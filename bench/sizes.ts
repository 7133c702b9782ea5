/** How much of everything a run does. */
export interface Sizes {
  readonly many: number;
  readonly more: number;
  readonly kills: number;
  readonly lines: number;
  readonly cocoons: number;
  /** Fewer than a journal keeps: 100,000. */
  readonly events: number;
  /** Of measurements that are made several times, the median counts. */
  readonly rounds: number;
  /** How long a rate is looked at, in milliseconds. */
  readonly rateMs: number;
  readonly idleMs: number;
  /** How long a proxy is asked in each round, in whole seconds. */
  readonly proxySeconds: number;
}

export const fullSizes: Sizes = { many: 100, more: 1000, kills: 11, cocoons: 21, lines: 1_000_000, events: 90_000, rounds: 5, rateMs: 1500, idleMs: 10_000, proxySeconds: 2 };

/** Enough to see that everything still works, in less than a minute. */
export const shortSizes: Sizes = { many: 6, more: 15, kills: 1, cocoons: 3, lines: 100_000, events: 20_000, rounds: 1, rateMs: 200, idleMs: 500, proxySeconds: 1 };
