import { closeSync, openSync, readSync } from 'node:fs';

const buffer = Buffer.allocUnsafe(16 * 1024);

/**
 * The first 16 KiB of a file under /proc as latin1 text, or null when it is gone or not ours to read. Synchronous,
 * because the kernel answers at once (about 5 µs) and an answer that arrives later is about a process that may be gone.
 */
export function readProc(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, null));
  } catch {
    return null;
  } finally {
    closeSync(descriptor);
  }
}
