import { createHash } from 'node:crypto';

/** What a snapshot is of, in the order of a restore. Its file is written last: a snapshot without it is none. */
export interface Manifest {
  /** Of this layout; see `readableFormats`. */
  readonly format: number;
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly reason: BackupReason;
  readonly hive: string;
  readonly host: string;
  /** The home of the daemon; paths below it are restored below the home of the restoring one. */
  readonly home: string;
  readonly encrypted: boolean;
  readonly sources: readonly BackedUpSource[];
  readonly files: readonly BackedUpFile[];
  /** What could not be backed up, as sentences. */
  readonly missing: readonly string[];
}

export type BackupReason = 'interval' | 'crash' | 'asked';

export interface BackedUpSource {
  readonly name: string;
  readonly kind: 'yaml' | 'sqlite';
  /** Absolute. */
  readonly path: string;
  readonly enabled: boolean;
  readonly services: readonly string[];
}

export interface BackedUpFile {
  /** Its name in the snapshot, less what encryption adds: `sources/shop/hive.yaml`. */
  readonly name: string;
  readonly role: 'state' | 'config' | 'dotenv';
  /** Null for the state, which belongs to no source. */
  readonly source: string | null;
  /** Where it was, absolute; null for the state. */
  readonly path: string | null;
  /** Permission bits. */
  readonly mode: number;
  /** Of what was backed up, in bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Of what lies in the destination; with encryption it differs. */
  readonly storedSize: number;
  readonly storedSha256: string;
}

export const presentFormat = 1;

/** The marker that a snapshot was restored to scratch and compared: the digest of its manifest's file. */
export const verifiedMarker = 'verified';
export const keyFileName = 'key.age';
export const manifestName = 'manifest.json';
export const manifestNames: readonly string[] = [manifestName, `${manifestName}.age`];

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The manifest as it is written: with its own digest, and in one way only, so that every changed bit is found. */
export function serialiseManifest(manifest: Manifest): string {
  return serialise(manifest);
}

/** What is wrong with a manifest, for the one who asked for the snapshot. */
export class ManifestProblem extends Error {}

/** @throws ManifestProblem damaged, of another snapshot, or written by a newer Hive */
export function parseManifest(text: string, id: string): Manifest {
  const { manifest } = parsed(text);
  if (typeof manifest !== 'object' || manifest === null || serialise(manifest) !== text) throw new ManifestProblem('its manifest does not have the digest that it names');
  const { format } = manifest as { format?: unknown };
  const upgrade = typeof format === 'number' ? readableFormats[format] : undefined;
  if (upgrade === undefined) throw new ManifestProblem(`its format is ${String(format)}, and this Hive reads ${Object.keys(readableFormats).join(' and ')}`);
  const read = upgrade(manifest as Record<string, unknown>);
  if (read.id !== id) throw new ManifestProblem(`its manifest is that of ${read.id}`);
  return read;
}

/**
 * By the format of a manifest, what makes it one of the present format. A format that has shipped stays here for good:
 * test/fixtures/backups holds a snapshot of each.
 */
const readableFormats: Readonly<Record<number, (manifest: Record<string, unknown>) => Manifest>> = {
  1: (manifest) => manifest as unknown as Manifest,
};

function parsed(text: string): { manifest?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { manifest?: unknown };
  } catch {
    throw new ManifestProblem('its manifest is not JSON any more');
  }
}

function serialise(manifest: object): string {
  return `${JSON.stringify({ manifest, sha256: sha256(JSON.stringify(manifest)) }, null, 2)}\n`;
}
