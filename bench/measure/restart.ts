import type { ServiceSet } from '../tools/service-set.js';
import { median } from '../tools/statistics.js';
import { waitUntil } from '../tools/wait-until.js';

/** Services have to have run for so long: some supervisors slow down what ends sooner. */
const oldEnoughMs = 1500;

/** Milliseconds from SIGKILL of a service until it runs again under another pid: the median over as many services. */
export async function measureRestart(set: ServiceSet, kills: number): Promise<number> {
  const took: number[] = [];
  for (const { name } of set.services.slice(0, kills)) {
    await waitUntil(`${name} to have run for a while`, () => set.ageOf(name) > oldEnoughMs, 10_000);
    const pid = set.pidOf(name);
    const again = set.untilPidChanges(name, pid, 30_000);
    const killedAtMs = performance.now();
    process.kill(pid, 'SIGKILL');
    await again;
    took.push(performance.now() - killedAtMs);
  }
  return median(took);
}
