import { open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { keyOfEntry, parseEntry, type Entry } from './entry.js';

/** So many answered requests are remembered; one that comes again after that is taken for a new one. */
const mostRemembered = 10_000;
/** The file is written anew when it has so many lines more than there are entries. */
const mostOutdatedLines = 20_000;

interface Waiting { readonly line: string; readonly isUrgent: boolean; readonly resolve: () => void; readonly reject: (error: unknown) => void }

/**
 * What was asked for and what came of it, in a file that is only appended to: a request is in it, on disk, before anything
 * is done for it. The last line about a request counts. Lines that come together are written and synced together.
 */
export class RequestJournal {
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #lines = 0;
  /** A write failed, so that the file may end within a line. */
  #isTorn = false;

  private constructor(private readonly path: string, private file: FileHandle, private readonly entries: Map<string, Entry>) {}

  /** Reads what an earlier run left, and begins a file without what is outdated. */
  static async open(path: string): Promise<RequestJournal> {
    const entries = new Map<string, Entry>();
    for (const line of (await readIfThere(path)).split('\n')) {
      const entry = parseEntry(line);
      if (entry !== null) keepInOrder(entries, entry);
    }
    forgetTheOldest(entries);
    return new RequestJournal(path, await writeAnew(path, entries.values()), entries);
  }

  /** How many requests are remembered. */
  get size(): number {
    return this.entries.size;
  }

  get(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  all(): IterableIterator<Entry> {
    return this.entries.values();
  }

  /** Durable when it resolves. @throws the system's error; then the entry counts all the same as long as this process lives */
  write(entry: Entry): Promise<void> {
    return this.#add(entry, true);
  }

  /** Written with what comes next or soon; to lose it costs a repetition and nothing else. */
  note(entry: Entry): void {
    this.#add(entry, false).catch(() => undefined);
  }

  /** Nothing was done for this request and nothing is to be remembered of it. */
  forget(entry: Entry): void {
    this.entries.delete(keyOfEntry(entry));
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.file.close();
  }

  #add(entry: Entry, isUrgent: boolean): Promise<void> {
    keepInOrder(this.entries, entry);
    forgetTheOldest(this.entries);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(entry)}\n`, isUrgent, resolve, reject });
      this.#writing ??= this.#writeAll().finally(() => { this.#writing = null; });
    });
  }

  async #writeAll(): Promise<void> {
    // What else is asked for in this turn goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#isTorn = true;
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #append(batch: readonly Waiting[]): Promise<void> {
    if (this.#lines > this.entries.size + mostOutdatedLines) {
      // All that the batch says is in the entries.
      const old = this.file;
      this.file = await writeAnew(this.path, this.entries.values());
      this.#lines = this.entries.size;
      await old.close();
      return;
    }
    await this.file.appendFile((this.#isTorn ? '\n' : '') + batch.map(({ line }) => line).join(''));
    if (batch.some(({ isUrgent }) => isUrgent)) await this.file.datasync();
    this.#isTorn = false;
    this.#lines += batch.length;
  }
}

/** The newest is last, so that the oldest are first to be forgotten. */
function keepInOrder(entries: Map<string, Entry>, entry: Entry): void {
  const key = keyOfEntry(entry);
  entries.delete(key);
  entries.set(key, entry);
}

function forgetTheOldest(entries: Map<string, Entry>): void {
  if (entries.size <= mostRemembered) return;
  for (const [key, entry] of entries) {
    if (entries.size <= mostRemembered) return;
    if (entry.at === 'done' && entry.owed.length === 0) entries.delete(key);
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Puts a file of these entries in the place of the old one, at once and durably, and leaves it open for more. */
async function writeAnew(path: string, entries: Iterable<Entry>): Promise<FileHandle> {
  const file = await open(`${path}.new`, 'w', 0o600);
  const lines = Array.from(entries, (entry) => `${JSON.stringify(entry)}\n`);
  await file.writeFile(lines.join(''));
  await file.sync();
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync();
  await folder.close();
  return file;
}
