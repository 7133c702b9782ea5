import type { Duplex } from 'node:stream';

/** How long a peer may take to read the last words. */
const lingerMs = 1000;

/** Lets what was written go out, then frees the descriptor, at the latest after a second: a peer need not read. */
export function closeSocket(stream: Duplex): void {
  if (stream.destroyed) return;
  const timer = setTimeout(() => stream.destroy(), lingerMs);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
  stream.end(() => stream.destroy());
}
