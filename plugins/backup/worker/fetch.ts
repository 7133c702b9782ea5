import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDestination } from '../destination/open-destination.js';
import type { Vault } from '../place.js';
import { Openings } from '../sealing/open-sealing.js';
import type { ExportedState } from '../snapshot/exported.js';
import type { Manifest } from '../snapshot/manifest.js';
import type { Tell } from '../snapshot/progress.js';
import { openSnapshot, restoreToFolder } from '../snapshot/read-snapshot.js';
import { chooseSnapshot } from './choose-snapshot.js';

export interface FetchOrder {
  readonly vault: Vault;
  /** Null: the newest verified one. */
  readonly id: string | null;
  /** An empty folder, which the caller removes. */
  readonly folder: string;
}

export interface Fetched {
  readonly manifest: Manifest;
  readonly state: ExportedState;
}

/** Brings a snapshot into a folder, compared. @throws HiveError BACKUP_DAMAGED, NOT_FOUND */
export async function fetchSnapshot({ vault, id, folder }: FetchOrder, tell: Tell): Promise<Fetched> {
  const destination = await openDestination(vault.place);
  try {
    const opened = await openSnapshot(destination, await chooseSnapshot(destination, vault.place, id), new Openings(vault.key));
    await restoreToFolder(destination, opened, folder, tell);
    const state = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as ExportedState;
    return { manifest: opened.manifest, state };
  } finally {
    destination.close();
  }
}
