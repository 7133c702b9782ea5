import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs';
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
 * Puts output files aside that grew too large while their plugin runs. The plugin holds them open, so their newest part is
 * copied and they are emptied; what it writes between the two is lost, which a plugin that writes this much has to live with.
 */
export function trimOutput(folder: string): void {
  for (const stream of streams) trimFile(join(folder, `${stream}.log`));
}

/** The same for one file that is open for appending, here or elsewhere. However large it became, a copy has a fixed size. */
export function trimFile(path: string): void {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (size <= largestOutputFile) return;
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const newest = Buffer.alloc(largestOutputFile);
    const length = readSync(file, newest, 0, newest.length, size - newest.length);
    ftruncateSync(file);
    writeFileSync(`${path}.1`, newest.subarray(newest.indexOf('\n') + 1, length), { mode: 0o600 });
  } finally {
    closeSync(file);
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
