import { setTimeout as delay } from 'node:timers/promises';

/** Looks every few milliseconds until `holds` answers true; rejects after `timeoutMs`, naming what it waited for. */
export async function waitUntil(what: string | (() => string), holds: () => boolean | Promise<boolean>, timeoutMs: number, everyMs = 5): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${typeof what === 'string' ? what : what()}`);
    await delay(everyMs);
  }
}
