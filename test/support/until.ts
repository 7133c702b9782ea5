import { setTimeout as delay } from 'node:timers/promises';

/** Asks again until there is an answer; fails after `withinMs` naming what was waited for. */
export async function until<T>(ask: () => T | undefined | Promise<T | undefined>, what: string, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms for ${what}.`);
    await delay(5);
  }
}
