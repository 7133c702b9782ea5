import { setTimeout as pause } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/index.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { instanceKey, type ExitResult, type StopOptions, type StopReport } from '../runner.js';
import type { SwarmApi } from './swarm-api.js';
import { hasEnded, type SwarmTask } from './swarm-shapes.js';
import type { TrackedService } from './tracked-service.js';

const lookEveryMs = 100;
/** Nodes send the signal, wait for the grace period and kill by themselves; so long one may take beyond that. */
const patienceMs = 10_000;

export async function changeReplicas(api: SwarmApi, id: string, replicas: number): Promise<void> {
  await api.change(id, ({ Spec }) => ({ ...Spec, Mode: { Replicated: { Replicas: replicas } } }));
}

/**
 * Has the swarm run none of it, waits until no node that is there runs any, then removes the service. Removed at once it would be
 * gone from the swarm's list while its tasks still run. Tasks on nodes that are lost are not waited for: the swarm ends
 * them when their node is back. @throws HiveError STOP_FAILED, ENGINE_UNAVAILABLE
 */
export async function stopService({ api, connection }: { api: SwarmApi; connection: EngineConnection }, tracked: TrackedService, { graceMs, onWaiting }: StopOptions, givenUp: () => boolean): Promise<Pick<StopReport, 'exit' | 'by'>> {
  const began = performance.now();
  const { id } = tracked;
  let told = began;
  let last: readonly SwarmTask[] = [];
  let ordered = false;
  for (;;) {
    try {
      if (!ordered) await changeReplicas(api, id, 0);
      ordered = true;
      const [tasks, nodes] = await Promise.all([api.tasksOf(id), api.nodes()]);
      if (tasks.length > 0) last = tasks;
      const left = tasks.filter((task) => !hasEnded(task) && !nodes.isLost(task));
      if (left.length === 0) {
        await api.remove(id);
        const by = tracked.end !== null ? 'already-gone' : performance.now() - began > Math.max(graceMs, 1) ? 'kill' : 'signal';
        return { exit: tracked.end?.exit ?? exitOf(last), by };
      }
      if (performance.now() - began > graceMs + patienceMs) {
        const where = [...new Set(left.map((task) => nodes.nameOf(task) ?? 'no node'))].join(', ');
        throw new HiveError('STOP_FAILED', `${left.length} of the tasks of ${instanceKey(tracked.identity.ref)} still run, on ${where}.`, { next: `See \`docker service ps ${tracked.name}\`.`, data: { survivors: [] } });
      }
      if (performance.now() - told > 1_000) {
        told = performance.now();
        onWaiting?.(left.map((task) => ({ pid: 0, command: `task ${task.Slot ?? 0} on ${nodes.nameOf(task) ?? 'no node'}` })));
      }
    } catch (thrown) {
      if (!(thrown instanceof HiveError)) throw thrown;
      if (thrown.code === 'NOT_FOUND') return { exit: tracked.end?.exit ?? { kind: 'unknown', reason: 'its service was removed from the swarm by somebody else' }, by: 'already-gone' };
      if (thrown.code !== 'ENGINE_UNAVAILABLE' || givenUp()) throw thrown;
      await Promise.race([connection.whenAvailable(), pause(1_000)]);
    }
    await pause(lookEveryMs);
  }
}

/** How the tasks ended that were told to: all alike, or nobody can say it in one word. */
function exitOf(tasks: readonly SwarmTask[]): ExitResult {
  const codes = new Set(tasks.filter(({ DesiredState, Status }) => DesiredState === 'remove' && hasEnded({ Status } as SwarmTask)).flatMap(({ Status }) => Status.ContainerStatus?.ExitCode ?? []));
  const [code] = codes;
  return codes.size === 1 && code !== undefined ? { kind: 'code', code } : { kind: 'unknown', reason: codes.size === 0 ? 'its swarm does not tell how tasks ended that were to go' : 'its replicas ended with different codes' };
}
