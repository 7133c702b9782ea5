import { readFileSync } from 'node:fs';
import { readProc } from './read-proc.js';

const pageSizeEntry = 6n;
const ticksPerSecondEntry = 17n;

/** What the kernel tells every program when it starts: page size and clock ticks, as pairs of 64-bit numbers. */
function auxiliaryVector(): Map<bigint, bigint> {
  const entries = new Map<bigint, bigint>();
  try {
    const bytes = readFileSync('/proc/self/auxv');
    const numbers = new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length - (bytes.length % 16)));
    for (let index = 0; index + 1 < numbers.length; index += 2) entries.set(numbers[index] ?? 0n, numbers[index + 1] ?? 0n);
  } catch {
    // Not readable in some sandboxes: the defaults below are those of nearly every machine.
  }
  return entries;
}

const vector = auxiliaryVector();

/** Bytes of one memory page. */
export const pageBytes = Number(vector.get(pageSizeEntry) ?? 4096n);

/** Clock ticks a second, the unit of process times in /proc. */
export const ticksPerSecond = Number(vector.get(ticksPerSecondEntry) ?? 100n);

let boot: string | undefined;

/** Random id of this boot of the machine. */
export function bootId(): string {
  boot ??= (readProc('/proc/sys/kernel/random/boot_id') ?? '').trim();
  return boot;
}

/** Clock ticks since boot, suspended time included: comparable with a process's start. */
export function ticksSinceBoot(): number {
  return Math.floor(Number.parseFloat(readProc('/proc/uptime') ?? '0') * ticksPerSecond);
}

/** The wall-clock time of a moment given in ticks since boot; exact to about one tick. */
export function dateOfTicks(ticks: number): Date {
  const agoMs = (Number.parseFloat(readProc('/proc/uptime') ?? '0') - ticks / ticksPerSecond) * 1000;
  return new Date(Date.now() - Math.max(0, agoMs));
}
