import { HiveError } from '../../../shared/errors/hive-error.js';
import { openDestination } from '../destination/open-destination.js';
import type { Destination, Listing } from '../destination/destination.js';
import type { Vault } from '../place.js';
import { whatMayGo, type Keep } from '../schedule/retention.js';
import { Openings, sealingFor } from '../sealing/open-sealing.js';
import { collect } from '../snapshot/collect.js';
import type { Exported } from '../snapshot/exported.js';
import { verifiedMarker, type BackupReason } from '../snapshot/manifest.js';
import type { Tell } from '../snapshot/progress.js';
import { timeOfSnapshot } from '../snapshot/snapshot-id.js';
import { writeSnapshot } from '../snapshot/write-snapshot.js';
import { inScratch } from './scratch.js';
import { verifyStored } from './verify.js';

export interface CreateOrder {
  readonly vault: Vault;
  readonly id: string;
  readonly reason: BackupReason;
  readonly exported: Exported;
  readonly includeSecrets: boolean;
  readonly keep: Keep;
  /** Snapshots that this daemon has begun and not completed. */
  readonly abandoned: readonly string[];
  /** The plugin's own folder. */
  readonly dataDir: string;
}

export interface Created {
  readonly id: string;
  readonly reason: BackupReason;
  readonly encrypted: boolean;
  readonly files: number;
  /** As stored. */
  readonly bytes: number;
  readonly sources: number;
  readonly services: number;
  readonly missing: readonly string[];
  /** Snapshots that retention has removed. */
  readonly removed: readonly string[];
}

/** What nobody has completed for so long was left by a process that died, whoever's it was. */
const abandonedAfterMs = 3_600_000;

/** Makes a snapshot, restores it to scratch and compares, and then removes what need not be kept. */
export async function create(order: CreateOrder, tell: Tell): Promise<Created> {
  return inScratch(order.dataDir, async (scratch) => {
    const { vault, exported, includeSecrets } = order;
    tell({ step: 'Reading the configuration' });
    const sealing = await sealingFor(vault.key, `${order.dataDir}/key.age`);
    const collection = await collect(exported, scratch, sealing.encrypted || includeSecrets);
    if (!sealing.encrypted && !includeSecrets) await refuseSecrets(collection.files, scratch);
    const destination = await openDestination(vault.place);
    try {
      const manifest = await writeSnapshot(destination, sealing, { id: order.id, createdAt: new Date(timeOfSnapshot(order.id) ?? Date.now()), reason: order.reason, exported, collection }, tell);
      tell({ step: 'Verifying' });
      const listing = await destination.list();
      await verifyStored(destination, find(listing, order.id), new Openings(vault.key, sealing), scratch, tell);
      const removed = await tidy(destination, await destination.list(), order, tell);
      return {
        id: manifest.id, reason: manifest.reason, encrypted: manifest.encrypted, files: manifest.files.length, removed,
        bytes: manifest.files.reduce((sum, { storedSize }) => sum + storedSize, 0),
        sources: manifest.sources.length,
        services: manifest.sources.reduce((sum, { services }) => sum + services.length, 0),
        missing: manifest.missing,
      };
    } finally {
      destination.close();
    }
  });
}

function find({ snapshots }: Listing, id: string): Listing['snapshots'][number] {
  const found = snapshots.find((snapshot) => snapshot.id === id);
  if (found !== undefined) return found;
  throw new HiveError('STORAGE_FAILED', `Snapshot ${id} was written and is not there.`, { next: 'Somebody else may be clearing the place up; give each daemon a folder or prefix of its own.' });
}

/** Removes what retention lets go, and what killed backups have left. */
async function tidy(destination: Destination, { snapshots, leftovers }: Listing, { keep, abandoned, id: own }: CreateOrder, tell: Tell): Promise<string[]> {
  const kept = snapshots.map(({ id, files }) => ({ id, at: timeOfSnapshot(id) ?? 0, verified: files.has(verifiedMarker) }));
  const going = whatMayGo(kept, keep).filter((id) => id !== own);
  for (const id of going) {
    tell({ step: `Removing ${id}` });
    await destination.remove(id);
  }
  for (const id of leftovers) {
    const isOld = Date.now() - (timeOfSnapshot(id) ?? 0) > abandonedAfterMs;
    if (isOld || abandoned.includes(id)) await destination.clear(id);
  }
  return going;
}

async function refuseSecrets(files: Awaited<ReturnType<typeof collect>>['files'], scratch: string): Promise<void> {
  const { literalSecrets } = await import('../snapshot/literal-secrets.js');
  const found = await literalSecrets(files, scratch);
  if (found.length === 0) return;
  const shown = found.slice(0, 5).join(', ');
  throw new HiveError('INVALID_CONFIG', `The configuration holds what may be secrets (${shown}${found.length > 5 ? ` and ${found.length - 5} more` : ''}), and there is no key to encrypt the backup with.`, {
    next: 'Set plugins.backup.encryption (a passphrase or key_file); or keep secrets out of the configuration (${env.NAME}, dotenv); or say plugins.backup.include_secrets: true.',
    data: { secrets: found },
  });
}
