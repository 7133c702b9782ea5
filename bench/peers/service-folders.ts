import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchService } from '../tools/service-set.js';

/** A folder with a folder for each service in which an executable `run` starts it, as runit and s6 want it. */
export function writeServiceFolders(folder: string, services: readonly BenchService[]): string {
  const scanned = join(folder, 'services');
  for (const { name, command } of services) {
    mkdirSync(join(scanned, name), { recursive: true });
    writeFileSync(join(scanned, name, 'run'), `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  }
  // runsvdir puts off a folder that was changed within the present second.
  utimesSync(scanned, 0, 0);
  return scanned;
}
