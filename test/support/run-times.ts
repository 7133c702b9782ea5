import { readFileSync } from 'node:fs';

/** For the command of a service: notes when it was started, in seconds since boot, which no clock jump touches. */
export function notesItsStart(file: string): string {
  return `read up rest < /proc/uptime; echo $up >> ${file}`;
}

/** When the service was started, in milliseconds since boot, oldest first. */
export function startTimes(file: string): number[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => Math.round(Number(line) * 1_000));
  } catch {
    return [];
  }
}

/** From each start to the next, in milliseconds. */
export function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}
