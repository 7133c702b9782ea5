import { hostname } from 'node:os';
import type { Destination } from '../destination/destination.js';
import type { Sealing } from '../sealing/seal.js';
import type { Collection } from './collect.js';
import type { Exported } from './exported.js';
import { keyFileName, manifestName, presentFormat, serialiseManifest, sha256, type BackedUpFile, type BackupReason, type Manifest } from './manifest.js';
import type { Tell } from './progress.js';

export interface Writing {
  readonly id: string;
  readonly createdAt: Date;
  readonly reason: BackupReason;
  readonly exported: Exported;
  readonly collection: Collection;
}

/** Writes a snapshot, its manifest last. A kill at any time leaves nothing that is listed, or all of it. */
export async function writeSnapshot(destination: Destination, sealing: Sealing, { id, createdAt, reason, exported, collection }: Writing, tell: Tell): Promise<Manifest> {
  const files: BackedUpFile[] = [];
  const of = collection.files.length;
  if (sealing.keyFile !== null) await destination.put(id, keyFileName, sealing.keyFile);
  for (const { content, ...file } of collection.files) {
    tell({ step: `Writing ${file.name}`, done: files.length, of });
    const stored = await sealing.seal(content);
    await destination.put(id, `${file.name}${sealing.suffix}`, stored);
    files.push({ ...file, size: content.length, sha256: sha256(content), storedSize: stored.length, storedSha256: sha256(stored) });
  }
  const manifest: Manifest = {
    format: presentFormat, id, reason,
    createdAt: createdAt.toISOString(),
    hive: exported.state.version,
    host: hostname(),
    home: exported.state.home,
    encrypted: sealing.encrypted,
    sources: exported.sources.map(({ name, kind, path, enabled, services }) => ({ name, kind, path, enabled, services })),
    files,
    missing: collection.missing,
  };
  tell({ step: 'Writing the manifest', done: of, of });
  await destination.complete(id, `${manifestName}${sealing.suffix}`, await sealing.seal(Buffer.from(serialiseManifest(manifest))));
  return manifest;
}
