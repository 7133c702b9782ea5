import { statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** How often files are looked at where the kernel's notices could be missing, milliseconds. */
const lookEveryMs = 3_000;

interface Folder {
  watcher: FSWatcher | null;
  inode: bigint | null;
  readonly names: Map<string, Set<string>>;
}

/**
 * Tells when one of a set of files may have changed. It watches the folders, for editors replace files, and besides looks
 * at every file now and then: a folder that was itself replaced, a file reached over a link or a network gives no notice.
 */
export class FileWatch {
  /** By owner: the files, each with how it looked last. */
  private readonly owned = new Map<string, Map<string, string>>();
  private readonly folders = new Map<string, Folder>();
  private readonly timer: NodeJS.Timeout;

  /** `onChange` gets the owner whose files may have changed; it may be called often and for nothing. */
  constructor(private readonly onChange: (owner: string) => void) {
    this.timer = setInterval(() => this.look(), lookEveryMs);
    this.timer.unref();
  }

  /** From now on these are the files of `owner`; an empty list ends it. */
  set(owner: string, files: readonly string[]): void {
    const present = this.owned.get(owner);
    if (present !== undefined && present.size === files.length && files.every((file) => present.has(file))) return;
    if (files.length === 0) this.owned.delete(owner);
    else this.owned.set(owner, new Map(files.map((file) => [file, present?.get(file) ?? signature(file)])));
    this.arrangeFolders();
  }

  close(): void {
    clearInterval(this.timer);
    for (const folder of this.folders.values()) folder.watcher?.close();
    this.folders.clear();
    this.owned.clear();
  }

  private arrangeFolders(): void {
    const wanted = new Map<string, Map<string, Set<string>>>();
    for (const [owner, files] of this.owned) {
      for (const file of files.keys()) {
        const names = wanted.get(dirname(file)) ?? new Map<string, Set<string>>();
        names.set(basename(file), (names.get(basename(file)) ?? new Set()).add(owner));
        wanted.set(dirname(file), names);
      }
    }
    for (const [path, folder] of this.folders) {
      if (wanted.has(path)) continue;
      folder.watcher?.close();
      this.folders.delete(path);
    }
    for (const [path, names] of wanted) {
      const folder = this.folders.get(path);
      if (folder === undefined) {
        const made: Folder = { watcher: null, inode: null, names };
        this.folders.set(path, made);
        this.open(path, made);
      } else {
        folder.names.clear();
        for (const [name, owners] of names) folder.names.set(name, owners);
      }
    }
  }

  private open(path: string, folder: Folder): void {
    folder.watcher?.close();
    folder.watcher = null;
    folder.inode = inodeOf(path);
    if (folder.inode === null) return;
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => this.notice(folder, name));
      // A folder that goes away, or notices that overflow: the regular look takes over and opens a new watch.
      watcher.on('error', () => { watcher.close(); folder.watcher = null; });
      folder.watcher = watcher;
    } catch {
      // No watches left (fs.inotify.max_user_watches): the regular look alone has to do.
    }
  }

  private notice(folder: Folder, name: string | null): void {
    const owners = name === null ? [...folder.names.values()].flatMap((set) => [...set]) : folder.names.get(name);
    if (owners !== undefined) for (const owner of owners) this.onChange(owner);
  }

  private look(): void {
    for (const [path, folder] of this.folders) {
      if (folder.watcher === null || inodeOf(path) !== folder.inode) this.open(path, folder);
    }
    for (const [owner, files] of this.owned) {
      let changed = false;
      for (const [file, seen] of files) {
        const present = signature(file);
        if (present === seen) continue;
        files.set(file, present);
        changed = true;
      }
      if (changed) this.onChange(owner);
    }
  }
}

/** Differs whenever a file was written or replaced. */
export function signature(file: string): string {
  try {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? 'absent' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

function inodeOf(path: string): bigint | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
  } catch {
    return null;
  }
}
