export const firstCeilingMs = 1_000;
export const longestCeilingMs = 60_000;

/**
 * How long to wait before the next attempt: anything from nothing up to a ceiling that doubles with each failure ("full
 * jitter"), so that a thousand Hives that lost the same server do not come back in the same second.
 * `failures`: attempts in a row that did not last; `random` in [0, 1).
 */
export function reconnectDelay(failures: number, random: number): number {
  const ceiling = Math.min(longestCeilingMs, firstCeilingMs * 2 ** Math.min(failures, 20));
  return Math.floor(random * ceiling);
}
