import { closeSync, openSync, readSync } from 'node:fs';

let buffer = Buffer.allocUnsafe(32 * 1024);
const largest = 8 * 1024 * 1024;

/**
 * The value that a process was given for `name` when it was executed; null when it had none, hides its environment or
 * is gone. Children inherit it, so it finds what left the session and lost its parent.
 */
export function environmentMarker(pid: number, name: string): string | null {
  return markerIfReadable(pid, name) ?? null;
}

/** The same, but undefined when there was nothing to read, as at the very moment in which a process is executed. */
export function markerIfReadable(pid: number, name: string): string | null | undefined {
  const length = readEnvironment(pid);
  if (length === 0) return undefined;
  const wanted = Buffer.from(`${name}=`, 'latin1');
  for (let from = 0; from < length; ) {
    const at = buffer.indexOf(wanted, from);
    if (at === -1 || at >= length) return null;
    if (at === 0 || buffer[at - 1] === 0) {
      const end = buffer.indexOf(0, at);
      return buffer.toString('latin1', at + wanted.length, end === -1 || end > length ? length : end);
    }
    from = at + 1;
  }
  return null;
}

/** Fills the buffer and returns how many bytes of it count. */
function readEnvironment(pid: number): number {
  let descriptor: number;
  try {
    descriptor = openSync(`/proc/${pid}/environ`, 'r');
  } catch {
    return 0;
  }
  try {
    for (let length = 0; ; ) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += count;
      if (count === 0) return length;
      if (length === buffer.length) {
        if (length >= largest) return length;
        buffer = Buffer.concat([buffer], buffer.length * 2);
      }
    }
  } catch {
    return 0;
  } finally {
    closeSync(descriptor);
  }
}
