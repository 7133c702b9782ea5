import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isControlSocket } from './setup.js';
import { WorkerLink, type LinkListener } from './worker-link.js';

/** A worker that was killed is there again within this. */
const returnMs = 2_000;
const againMs = 25;

/** Links to all workers that live in a folder, whatever they serve with. */
export async function findWorkers(folder: string, listenerOf: (socketName: string) => LinkListener): Promise<WorkerLink[]> {
  const names = (await readdir(folder)).filter(isControlSocket).sort();
  const links = await Promise.all(names.map(async (name) => {
    const link = await reach(folder, name, listenerOf(name));
    // Left by a worker that will not come back.
    if (link === null) await rm(join(folder, name), { force: true });
    return link;
  }));
  return links.filter((link) => link !== null);
}

/** A worker that is there, or comes back shortly; null when there is none. */
async function reach(folder: string, name: string, listener: LinkListener): Promise<WorkerLink | null> {
  const deadline = performance.now() + returnMs;
  for (;;) {
    const link = await WorkerLink.open(folder, name, listener);
    // A worker that was told to end has removed its socket; one that was killed has not.
    if (link !== null || !existsSync(join(folder, name)) || performance.now() > deadline) return link;
    await delay(againMs);
  }
}
