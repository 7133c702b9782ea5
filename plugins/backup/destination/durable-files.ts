import { open } from 'node:fs/promises';

/** Writes a new file; on disk when it resolves. The folder has still to be synced. */
export async function writeDurably(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    // Whatever the umask says.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes what was created, renamed or removed in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
