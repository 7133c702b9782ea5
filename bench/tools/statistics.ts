export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const beganAtMs = performance.now();
  await work();
  return (performance.now() - beganAtMs) / 1000;
}

/** How often a second `work` can be done one after the other, tried for about `forMs`. */
export async function rateOf(work: () => Promise<unknown>, forMs: number): Promise<number> {
  const beganAtMs = performance.now();
  let times = 0;
  while (performance.now() - beganAtMs < forMs || times === 0) {
    await work();
    times += 1;
  }
  return times / ((performance.now() - beganAtMs) / 1000);
}
