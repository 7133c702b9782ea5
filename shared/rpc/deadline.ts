/** What setTimeout can hold; longer is taken as this, about 24 days. */
const longestMs = 2 ** 31 - 1;

/**
 * Calls `onExpired` once `ms` milliseconds have passed, and answers a function that prevents it.
 *
 * The verdict falls one round of the event loop after the timer: when this process itself was busy or stopped for the
 * whole time, the answer lies in the socket already and is read in between.
 */
export function startDeadline(ms: number, onExpired: () => void): () => void {
  let verdict: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    verdict = setImmediate(onExpired);
  }, Math.min(Math.max(ms, 1), longestMs));
  return () => {
    clearTimeout(timer);
    if (verdict !== undefined) clearImmediate(verdict);
  };
}
