import { readFileSync, readdirSync } from 'node:fs';

/** What lives and was started with this text in its environment, as `pid command line`. Asks the kernel, no daemon. */
export function markedInProc(mark: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      if (/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))) continue;
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark)) continue;
      found.push(`${name} ${readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()}`);
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
  return found;
}
