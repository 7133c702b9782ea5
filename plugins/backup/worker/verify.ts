import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import type { Destination, Stored } from '../destination/destination.js';
import { openDestination } from '../destination/open-destination.js';
import type { Vault } from '../place.js';
import { Openings } from '../sealing/open-sealing.js';
import { verifiedMarker, type Manifest } from '../snapshot/manifest.js';
import type { Tell } from '../snapshot/progress.js';
import { openSnapshot, restoreToFolder } from '../snapshot/read-snapshot.js';
import { chooseSnapshot } from './choose-snapshot.js';
import { inScratch } from './scratch.js';

export interface VerifyOrder {
  readonly vault: Vault;
  /** Null: the newest. */
  readonly id: string | null;
  readonly dataDir: string;
}

export interface Verified {
  readonly id: string;
  readonly files: number;
  /** Of what was backed up. */
  readonly bytes: number;
  readonly encrypted: boolean;
  readonly missing: readonly string[];
}

/** Restores a snapshot to scratch and compares. @throws HiveError BACKUP_DAMAGED, NOT_FOUND */
export async function verify({ vault, id, dataDir }: VerifyOrder, tell: Tell): Promise<Verified> {
  return inScratch(dataDir, async (scratch) => {
    const destination = await openDestination(vault.place);
    try {
      const stored = await chooseSnapshot(destination, vault.place, id);
      const manifest = await verifyStored(destination, stored, new Openings(vault.key), scratch, tell);
      return {
        id: stored.id, files: manifest.files.length, encrypted: manifest.encrypted, missing: manifest.missing,
        bytes: manifest.files.reduce((sum, { size }) => sum + size, 0),
      };
    } finally {
      destination.close();
    }
  });
}

/** As `verify`, and notes in the snapshot that it was done. */
export async function verifyStored(destination: Destination, stored: Stored, openings: Openings, scratch: string, tell: Tell): Promise<Manifest> {
  const opened = await openSnapshot(destination, stored, openings);
  if (opened.marker === 'differs') {
    throw new HiveError('BACKUP_DAMAGED', `Snapshot ${stored.id} cannot be used: its mark of verification belongs to another manifest.`, { next: 'Use another snapshot: hivectl backup list shows which were verified.', data: { snapshot: stored.id } });
  }
  const folder = join(scratch, 'restored');
  await mkdir(folder, { mode: 0o700 });
  await restoreToFolder(destination, opened, folder, tell);
  if (opened.marker === 'none') await destination.mark(stored.id, verifiedMarker, Buffer.from(`${opened.digest}\n`));
  return opened.manifest;
}
