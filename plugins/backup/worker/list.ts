import { HiveError } from '../../../shared/errors/hive-error.js';
import type { Destination, Stored } from '../destination/destination.js';
import { openDestination } from '../destination/open-destination.js';
import { describePlace, type Vault } from '../place.js';
import { Openings } from '../sealing/open-sealing.js';
import type { BackupReason } from '../snapshot/manifest.js';
import { openSnapshot } from '../snapshot/read-snapshot.js';
import { timeOfSnapshot } from '../snapshot/snapshot-id.js';

export interface ListOrder {
  readonly vault: Vault;
}

export interface ListedSnapshot {
  readonly id: string;
  readonly createdAt: string;
  /** All that lies in the destination. */
  readonly bytes: number;
  readonly verified: boolean;
  readonly encrypted: boolean;
  /** Null where the manifest cannot be read; then `problem` says why. */
  readonly reason: BackupReason | null;
  readonly host: string | null;
  readonly sources: readonly string[];
  readonly services: number | null;
  readonly missing: number;
  readonly problem: string | null;
}

export interface ListedSnapshots {
  readonly place: string;
  /** Newest first. */
  readonly snapshots: readonly ListedSnapshot[];
}

/** So many manifests are read at once. */
const readAtOnce = 8;

/** What is there. A snapshot that cannot be read is in the list, with its problem. */
export async function list({ vault }: ListOrder): Promise<ListedSnapshots> {
  const destination = await openDestination(vault.place);
  try {
    const { snapshots } = await destination.list();
    const openings = new Openings(vault.key);
    const waiting = [...snapshots].reverse();
    const listed: ListedSnapshot[] = [];
    while (waiting.length > 0) listed.push(...(await Promise.all(waiting.splice(0, readAtOnce).map((stored) => look(destination, stored, openings)))));
    return { place: describePlace(vault.place), snapshots: listed };
  } finally {
    destination.close();
  }
}

async function look(destination: Destination, stored: Stored, openings: Openings): Promise<ListedSnapshot> {
  const outside = {
    id: stored.id,
    createdAt: new Date(timeOfSnapshot(stored.id) ?? 0).toISOString(),
    bytes: [...stored.files.values()].reduce((sum, size) => sum + size, 0),
    encrypted: stored.files.has('manifest.json.age'),
  };
  try {
    const { manifest, marker } = await openSnapshot(destination, stored, openings);
    const { reason, host, sources, missing } = manifest;
    return {
      ...outside, reason, host,
      verified: marker === 'fits',
      sources: sources.map(({ name }) => name),
      services: sources.reduce((sum, { services }) => sum + services.length, 0),
      missing: missing.length,
      problem: marker === 'differs' ? 'Its mark of verification belongs to another manifest.' : null,
    };
  } catch (error) {
    if (!(error instanceof HiveError)) throw error;
    return { ...outside, verified: false, reason: null, host: null, sources: [], services: null, missing: 0, problem: error.message };
  }
}
