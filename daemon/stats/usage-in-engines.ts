import type { Stats } from '../../shared/protocol/results.js';
import { instanceKey } from '../runner/runner.js';
import type { Runners } from '../runner/runners.js';
import type { Supervisor } from '../supervisor/supervisor.js';

/** What the instances use that live in engines; those of an engine that does not answer are left out. */
export async function usageInEngines(supervisor: Pick<Supervisor, 'running'>, runner: Runners): Promise<Stats[]> {
  const running = supervisor.running().filter(({ process }) => process.engine !== undefined);
  if (running.length === 0) return [];
  const uptimes = new Map(running.map(({ actor, process }) => [process.incarnation, actor.uptimeMs()]));
  const usage = await runner.stats(running.map(({ process }) => process));
  return usage.map(({ ref, incarnation, cpu, memoryBytes, threads, openFiles }) => ({
    fqn: `${ref.source}:${ref.service}`, instance: instanceKey(ref), cpu, memoryBytes, threads, openFiles, uptimeMs: uptimes.get(incarnation) ?? 0,
  }));
}
