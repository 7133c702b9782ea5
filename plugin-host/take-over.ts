import type { RememberedPlugin } from '../shared/protocol/link.js';
import { isAlive, processesTagged, variableOf } from './process-facts.js';
import { killLeftovers, killOne, runTag } from './watched-process.js';

export type Heritage = NonNullable<RememberedPlugin['process']>;

/**
 * Sorts out what a host that died left behind: processes whose links are open are kept, by plugin; those whose link is
 * gone, and those that nobody remembers (their host died before it could tell), are killed with all they started: without
 * a link a plugin has nothing to do, and a second one must not run beside it.
 */
export function takeOver(home: string, remembered: readonly RememberedPlugin[]): Map<string, Heritage> {
  const kept = new Map<string, Heritage>();
  for (const { id, process } of remembered) {
    if (process === null) continue;
    if (process.link !== 'none' || !isAlive(process)) kept.set(id, process);
    else killLeftovers(process);
  }
  const runs = new Set([...kept.values()].map((process) => process.run));
  for (const stray of processesTagged('HIVE_HOME', home)) {
    const run = variableOf(stray.pid, runTag);
    if (run !== undefined && !runs.has(run)) killOne(stray);
  }
  return kept;
}
