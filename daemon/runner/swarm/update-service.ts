import { setTimeout as pause } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/index.js';
import { instanceKey, type LaunchRequest, type ReplicaUpdate } from '../runner.js';
import type { SwarmCommand } from '../instance-command.js';
import type { ServiceLauncher } from './service-launcher.js';
import type { SwarmApi } from './swarm-api.js';
import { hasEnded, type SwarmService, type SwarmTask } from './swarm-shapes.js';
import type { TrackedService } from './tracked-service.js';

const lookEveryMs = 200;
/** So long an update may stand still before it counts as failed: images are being pulled, too. */
const longestStandstillMs = 300_000;

/** The states of an update from which nothing follows by itself. */
type Outcome = 'done' | 'rolled back' | 'paused' | 'under way';

/**
 * Has the swarm replace the tasks, batch by batch as the update says, and waits until it has. An update that was ordered
 * before, by an earlier daemon, is only waited for. @throws HiveError SERVICE_FAILED, TIMEOUT
 */
export async function updateService(api: SwarmApi, launcher: ServiceLauncher, tracked: TrackedService, request: LaunchRequest<SwarmCommand>, update: ReplicaUpdate): Promise<void> {
  const { ref } = request;
  const before = await api.inspect(tracked.id);
  if (before === null) throw new HiveError('SERVICE_FAILED', `the service of ${instanceKey(ref)} is not in its swarm any more`);
  const forced = (before.Spec.TaskTemplate.ForceUpdate ?? 0) + 1;
  if (updateOf(before) !== update.id) {
    const { spec } = await launcher.specOf(request, { forced, update });
    await api.change(tracked.id, () => spec, request.command.image);
  }
  let seen = '';
  let movedAt = performance.now();
  for (;;) {
    update.signal.throwIfAborted();
    const [service, tasks] = await Promise.all([api.inspect(tracked.id), api.tasksOf(tracked.id)]);
    if (service === null) throw new HiveError('SERVICE_FAILED', `the service of ${instanceKey(ref)} was removed from the swarm`);
    const outcome = outcomeOf(service, update.id);
    if (outcome === 'done') return;
    const generation = updateOf(service) === update.id ? service.Spec.TaskTemplate.ForceUpdate ?? 0 : forced;
    if (outcome !== 'under way') throw failed(service, tasks, generation, outcome, update.onFailure);
    const progress = describe(service, tasks, generation);
    if (progress !== seen) {
      seen = progress;
      movedAt = performance.now();
      update.onProgress(progress);
    }
    if (performance.now() - movedAt > longestStandstillMs) throw new HiveError('TIMEOUT', `its swarm has come no further for ${longestStandstillMs / 60_000} minutes: ${progress}`);
    await pause(lookEveryMs);
  }
}

function updateOf(service: SwarmService): string | null {
  return service.Spec.Labels?.['hive.swarm.update'] ?? null;
}

/** After a rollback the service is as it was before, and so is its label. */
function outcomeOf(service: SwarmService, update: string): Outcome {
  const state = service.UpdateStatus?.State ?? '';
  switch (state) {
    case 'completed':
      return updateOf(service) === update ? 'done' : 'rolled back';
    case 'paused':
      return 'paused';
    case 'rollback_completed':
    case 'rollback_paused':
      return 'rolled back';
    default:
      return 'under way';
  }
}

/** `2 of 4 tasks replaced` */
function describe(service: SwarmService, tasks: readonly SwarmTask[], generation: number): string {
  const wanted = service.Spec.Mode.Replicated?.Replicas ?? 0;
  const fresh = tasks.filter((task) => task.Spec.ForceUpdate === generation && task.DesiredState !== 'shutdown' && task.DesiredState !== 'remove');
  const running = fresh.filter(({ Status }) => Status.State === 'running').length;
  const waiting = fresh.find((task) => task.Status.State === 'pending' && !hasEnded(task));
  const back = (service.UpdateStatus?.State ?? '').startsWith('rollback') ? ', going back' : '';
  return `${running} of ${wanted} tasks replaced${back}${waiting === undefined ? '' : `; task ${waiting.Slot ?? 0} waits: ${waiting.Status.Err ?? waiting.Status.Message ?? ''}`}`;
}

function failed(service: SwarmService, tasks: readonly SwarmTask[], generation: number, outcome: Outcome, onFailure: ReplicaUpdate['onFailure']): HiveError {
  const bad = tasks.filter((task) => task.Spec.ForceUpdate === generation && (task.Status.State === 'failed' || task.Status.State === 'rejected'));
  const newest = bad.sort((one, other) => other.CreatedAt.localeCompare(one.CreatedAt))[0];
  const why = newest?.Status.Err ?? service.UpdateStatus?.Message ?? 'a new task did not run';
  const then = outcome === 'rolled back' ? 'it went back to what ran before' : onFailure === 'abort' ? 'it was given up' : 'it stands still';
  return new HiveError('SERVICE_FAILED', `its swarm could not replace its tasks: ${why.replace(/\.$/, '')}; ${then}`);
}

