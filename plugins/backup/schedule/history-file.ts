import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupHistory } from './next-backup.js';

/** What the plugin keeps between its runs. */
export interface Remembered extends BackupHistory {
  /** The snapshot that is being written; one that a killed run has left can be cleared away at once. */
  readonly writing: string | null;
  readonly lastSnapshot: string | null;
  /** One sentence; null after a success. */
  readonly lastProblem: string | null;
}

const nothing: Remembered = {
  lastSuccessAt: null, lastFailureAt: null, failures: 0, crashAt: null, lastCrashBackupAt: null, writing: null, lastSnapshot: null, lastProblem: null,
};

/** The plugin's history in its folder; on disk before `update` resolves. */
export class HistoryFile {
  private constructor(private readonly folder: string, private present: Remembered) {}

  /** What cannot be read counts as nothing: the worst that follows is a backup too many. */
  static async open(folder: string): Promise<HistoryFile> {
    try {
      return new HistoryFile(folder, { ...nothing, ...(JSON.parse(await readFile(join(folder, 'history.json'), 'utf8')) as Partial<Remembered>) });
    } catch {
      return new HistoryFile(folder, nothing);
    }
  }

  get now(): Remembered {
    return this.present;
  }

  async update(changes: Partial<Remembered>): Promise<void> {
    this.present = { ...this.present, ...changes };
    const path = join(this.folder, 'history.json');
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(this.present));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }
}
