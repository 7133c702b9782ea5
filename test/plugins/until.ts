import { setTimeout as delay } from 'node:timers/promises';

type Looked<T> = T | undefined | false | null;

/** Waits until `look` finds something, and answers it; looks often, gives up after `withinMs` and says what it saw last. */
export async function until<T>(what: string, look: () => Looked<T> | Promise<Looked<T>>, seen: () => string = () => '', withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== null) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain until ${what}. ${seen()}`);
    await delay(10);
  }
}
