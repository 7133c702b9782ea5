import { randomBytes } from 'node:crypto';
import { HiveError } from '../../../shared/errors/index.js';
import { instanceKey, type InstanceRef, type LaunchRequest, type RunningInstance, type StopOptions, type StopReport } from '../runner.js';
import { taskGraceMs, taskLastLines, type TaskReport, type TaskRequest } from '../task.js';
import { whatEnds } from '../what-ends.js';
import { adoptSurvivors } from './adopt-survivors.js';
import { OutputTail } from './output-tail.js';
import { listTaskFolders, runFolderOf } from './run-folder.js';
import type { ScriptCommand } from './script-command.js';
import type { WatchedInstance } from './watched-instances.js';

/** What tasks need of the runner: a task is launched, watched and stopped as an instance is. */
export interface TaskHost {
  launch(request: LaunchRequest<ScriptCommand>): Promise<WatchedInstance>;
  watch(instance: WatchedInstance): void;
  stop(instance: RunningInstance, options: StopOptions): Promise<StopReport>;
  forget(ref: InstanceRef, incarnation: string): Promise<void>;
}

const ladder: StopOptions = { signal: 'SIGTERM', graceMs: taskGraceMs };

/**
 * Commands that are run to their end. Each is launched by the shim into a run folder of its own, not as a child of the
 * daemon: a daemon that is killed leaves its successor a record by which the task is found, and its lock makes sure that
 * there are never two.
 */
export class ScriptTasks {
  private readonly clearing = new Map<string, Promise<void>>();

  constructor(private readonly home: string, private readonly host: TaskHost) {}

  /** Begins to stop what earlier daemons left. */
  clearLeft(): void {
    for (const { ref, folder } of listTaskFolders(this.home)) {
      const cleared = this.clear(ref, folder);
      this.clearing.set(folder, cleared);
      // What could not be stopped is tried again, and told of, by whoever runs the task again.
      cleared.then(() => this.clearing.delete(folder), () => undefined);
    }
  }

  async cleared(): Promise<void> {
    await Promise.allSettled(this.clearing.values());
  }

  async run(request: TaskRequest<ScriptCommand>, signal: AbortSignal): Promise<TaskReport> {
    const { ref, timeoutMs } = request;
    const folder = runFolderOf(this.home, ref);
    const began = performance.now();
    await this.clearing.get(folder)?.catch(() => this.clear(ref, folder));
    if (signal.aborted) return { exit: { kind: 'unknown', reason: 'it was called off before it began' }, endedBy: 'abort', tookMs: performance.now() - began, lastLines: [] };
    const incarnation = `task-${randomBytes(9).toString('hex')}`;
    const tail = new OutputTail([request.stderrPath, request.stdoutPath]);
    const task = await this.host.launch({ ...request, incarnation });
    const endedBy = await whatEnds(task.ended, timeoutMs, signal);
    const exit = endedBy === 'itself' ? (await task.ended).exit : (await this.host.stop(task.describe(), ladder)).exit;
    await this.host.forget(ref, incarnation);
    const { diagnosis } = task.end ?? {};
    return { exit, endedBy, tookMs: performance.now() - began, lastLines: tail.read(taskLastLines), ...(diagnosis === undefined ? {} : { diagnosis }) };
  }

  private async clear(ref: InstanceRef, folder: string): Promise<void> {
    const { living, exited } = await adoptSurvivors(this.home, [{ ref, folder }]);
    for (const { end } of exited) await this.host.forget(ref, end.incarnation);
    for (const task of living) {
      this.host.watch(task);
      try {
        await this.host.stop(task.describe(), ladder);
      } catch (error) {
        throw new HiveError('STOP_FAILED', `${instanceKey(ref)} was left running by an earlier daemon and cannot be stopped: ${(error as Error).message}`, { cause: error });
      }
      await this.host.forget(ref, task.incarnation);
    }
  }
}
