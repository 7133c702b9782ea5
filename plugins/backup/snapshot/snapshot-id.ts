import { randomBytes } from 'node:crypto';

const pattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{6}$/;

/** `20261122T190501Z-1a2b3c`: names sort as times do, and two backups of one second differ. */
export function newSnapshotId(now: Date): string {
  return `${now.toISOString().replace(/\.\d+Z$/, 'Z').replace(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`;
}

/** When a snapshot was begun, in milliseconds; null: this is no name of a snapshot. */
export function timeOfSnapshot(id: string): number | null {
  const found = pattern.exec(id);
  if (found === null) return null;
  const [, year, month, day, hour, minute, second] = found;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? null : time;
}
