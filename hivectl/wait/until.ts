import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../../shared/errors/hive-error.js';

/** Polls `look` until it answers something else than null; TIMEOUT after `timeoutMs`. */
export async function until<Value>(look: () => Promise<Value | null>, timeoutMs: number, sentence: string): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new HiveError('TIMEOUT', sentence);
    await delay(50);
  }
}
