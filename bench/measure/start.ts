import type { Supervisor } from '../peers/peer.js';
import type { ServiceSet } from '../tools/service-set.js';

/** Seconds from the word to start until every service has said that it runs, whether or not the command has returned. */
export async function measureStart(supervisor: Supervisor, set: ServiceSet): Promise<number> {
  const beganAtMs = performance.now();
  const allRun = set.untilAllRun(300_000).then(() => (performance.now() - beganAtMs) / 1000);
  await supervisor.start();
  return allRun;
}
