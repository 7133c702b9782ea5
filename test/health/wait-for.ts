import { setTimeout as delay } from 'node:timers/promises';

/** Looks until something is there (neither undefined nor false) and hands it over; fails after 10 s, naming what it waited for. */
export async function waitFor<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited 10 s in vain for ${what}.`);
    await delay(10);
  }
}
