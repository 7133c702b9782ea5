import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Notifications that have still to be delivered, one file each, so that none is lost when this process is killed: a
 * notification is in its file, on disk, before its event is acknowledged, and the file goes only after the delivery.
 */
export class Outbox {
  private constructor(private readonly pending: string, private readonly undelivered: string) {}

  static async open(folder: string): Promise<Outbox> {
    const outbox = new Outbox(join(folder, 'pending'), join(folder, 'undelivered'));
    for (const path of [outbox.pending, outbox.undelivered]) await mkdir(path, { recursive: true, mode: 0o700 });
    return outbox;
  }

  /** Names of what waits, oldest first as far as names tell. */
  async list(): Promise<string[]> {
    const names = (await readdir(this.pending)).filter((name) => name.endsWith('.json'));
    return names.sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  }

  /** Durable when it resolves. Writing the same name again changes nothing. */
  async put(name: string, content: string): Promise<void> {
    const path = join(this.pending, name);
    await writeDurably(`${path}.new`, content);
    await rename(`${path}.new`, path);
    await syncFolder(this.pending);
  }

  /** Null: it was delivered meanwhile. */
  async read(name: string): Promise<string | null> {
    return readFile(join(this.pending, name), 'utf8').catch(() => null);
  }

  async delivered(name: string): Promise<void> {
    await unlink(join(this.pending, name)).catch(() => undefined);
  }

  /** Gives it up; the file stays for whoever wants to look. */
  async putAside(name: string): Promise<void> {
    await rename(join(this.pending, name), join(this.undelivered, name)).catch(() => undefined);
  }
}

async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
