/** A snapshot as it lies in a destination, not looked into. */
export interface Stored {
  readonly id: string;
  /** Names and sizes in bytes. */
  readonly files: ReadonlyMap<string, number>;
}

export interface Listing {
  /** Whole ones, oldest first. */
  readonly snapshots: readonly Stored[];
  /** What was begun and not completed, or begun to be removed. */
  readonly leftovers: readonly string[];
}

/**
 * Where snapshots are kept. A snapshot is listed from when `complete` has written its last file, and no longer from when
 * `remove` begins; there is no time at which half of one is listed. Names are `a/b`, with letters, digits, `.`, `_`, `-`.
 *
 * Every method rejects with a HiveError (STORAGE_FAILED, NOT_FOUND, PERMISSION_DENIED) that names the place.
 */
export interface Destination {
  /** Writes a file of a snapshot that is not complete; durable when it resolves. */
  put(id: string, name: string, content: Uint8Array): Promise<void>;
  /** Writes the last file, the manifest. From now on the snapshot is listed. */
  complete(id: string, name: string, content: Uint8Array): Promise<void>;
  /** Adds a file to a snapshot that is complete. */
  mark(id: string, name: string, content: Uint8Array): Promise<void>;
  list(): Promise<Listing>;
  /** The content of a file of a listed snapshot. */
  get(id: string, name: string): Promise<Uint8Array>;
  remove(id: string): Promise<void>;
  /** Clears away what was left of a snapshot that is not complete. */
  clear(id: string): Promise<void>;
  close(): void;
}
