import type { RememberedPlugin } from '../shared/protocol/link.js';
import { signalProcess } from '../shared/process/send-signal.js';
import { taggedProcesses } from './run-processes.js';

export type Heritage = NonNullable<RememberedPlugin['process']>;

/**
 * What a host that died left behind, by plugin: the processes that it told of, alive or not. What it started and had no
 * time to tell of is killed, with all it started: a second one must not run beside it.
 */
export function takeOver(home: string, remembered: readonly RememberedPlugin[]): Map<string, Heritage> {
  const left = new Map<string, Heritage>();
  for (const { id, process } of remembered) if (process !== null) left.set(id, process);
  const runs = new Set([...left.values()].map((process) => process.run));
  for (const stray of taggedProcesses(home)) if (!runs.has(stray.run)) signalProcess(stray, 'SIGKILL');
  return left;
}
