import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, renameSync, statSync, truncateSync, constants } from 'node:fs';
import { join } from 'node:path';

/** From this size on, in bytes, an output file is put aside as `<name>.1`; so a stream takes twice that at most, and a bit. */
export const largestOutputFile = 5 * 1024 * 1024;

const streams = ['stdout', 'stderr'] as const;

/** Where the output of a plugin lies. The dot keeps the folder apart from those of sources. */
export function outputFolder(logsFolder: string, plugin: string): string {
  return join(logsFolder, '.plugins', plugin);
}

/** Opens a plugin's output files for a new run, appending. The caller closes the descriptors once they are handed down. */
export function openOutput(folder: string): { stdout: number; stderr: number } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [stdout, stderr] = streams.map((stream) => openOne(join(folder, `${stream}.log`)));
  return { stdout: stdout as number, stderr: stderr as number };
}

export function closeOutput(output: { stdout: number; stderr: number }): void {
  closeSync(output.stdout);
  closeSync(output.stderr);
}

/**
 * Puts output files aside that grew too large while their plugin runs. The plugin holds them open, so they are copied
 * and emptied; what it writes between the two is lost, which a plugin that writes this much has to live with.
 */
export function trimOutput(folder: string): void {
  for (const stream of streams) {
    const path = join(folder, `${stream}.log`);
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= largestOutputFile) continue;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  }
}

function openOne(path: string): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const opened = openSync(path, flags, 0o600);
  if (fstatSync(opened).size <= largestOutputFile) return opened;
  closeSync(opened);
  renameSync(path, `${path}.1`);
  return openSync(path, flags, 0o600);
}
