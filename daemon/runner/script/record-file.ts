import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { removeCgroups } from './instance-cgroups.js';
import { parseRecord, type InstanceRecord } from './record.js';
import { namesIn } from './run-folder.js';

/** The record of a run folder, or null when nobody has the instance's lock. */
export function readRecord(folder: string): InstanceRecord | null {
  const text = readIfThere(path.join(folder, 'record'));
  return text === null ? null : parseRecord(text);
}

/** When the record was last written to. */
export function recordTime(folder: string): Date {
  return statSync(path.join(folder, 'record'), { throwIfNoEntry: false })?.mtime ?? new Date();
}

/**
 * Frees the instance's lock, but only while `incarnation` (null: nobody named) has it. The file is taken away first and
 * looked at then: between looking and unlinking, another incarnation could have taken the lock.
 */
export function removeRecord(folder: string, incarnation: string | null): void {
  const record = path.join(folder, 'record');
  const aside = path.join(folder, `taken-away.${randomBytes(6).toString('hex')}`);
  try {
    renameSync(record, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = parseRecord(readFileSync(aside, 'utf8'));
  const expected = taken.kind === 'unwritten' ? incarnation === null : taken.incarnation === incarnation;
  if (!expected) linkSync(aside, record);
  unlinkSync(aside);
}

/** Takes back every order to start something in this folder that no shim has begun to carry out. */
export function revokeOrders(folder: string): void {
  for (const name of namesIn(folder)) {
    if (name.startsWith('launch.')) rmSync(path.join(folder, name), { force: true });
  }
}

/** Removes what an incarnation leaves next to its record. */
export function removeLeftovers(folder: string, incarnation: string): void {
  rmSync(path.join(folder, `script.${incarnation}`), { force: true });
  removeCgroups(folder, incarnation);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
