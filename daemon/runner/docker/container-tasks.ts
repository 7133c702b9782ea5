import { randomBytes } from 'node:crypto';
import { HiveError } from '../../../shared/errors/index.js';
import { OutputTail } from '../script/output-tail.js';
import type { ContainerCommand } from '../instance-command.js';
import type { EngineTools } from '../open-engine.js';
import { instanceKey, type ExitResult } from '../runner.js';
import { taskGraceMs, taskLastLines, type TaskReport, type TaskRequest } from '../task.js';
import { whatEnds } from '../what-ends.js';
import type { ContainerLauncher } from './container-launcher.js';
import type { EngineConnection } from './engine-connection.js';
import { exitOf } from './exit-of.js';
import { statusOf } from './engine-error.js';
import { TaskOutput } from './task-output.js';

/** Commands that are run to their end in containers of their own, which are removed with what they made. */
export class ContainerTasks {
  private readonly clearing = new Set<Promise<void>>();
  private readonly running = new Set<string>();

  constructor(
    private readonly connection: EngineConnection,
    private readonly launcher: ContainerLauncher,
    private readonly tools: Pick<EngineTools, 'warn'>,
  ) {}

  /** A container that a killed daemon left of a task. */
  clearLeft(container: string): void {
    const cleared = this.remove(container).catch((error: unknown) => this.tools.warn(`The container ${container.slice(0, 12)} of an earlier task could not be removed: ${String(error)}`));
    this.clearing.add(cleared);
    void cleared.finally(() => this.clearing.delete(cleared));
  }

  async cleared(): Promise<void> {
    await Promise.all(this.clearing);
  }

  async run(request: TaskRequest<ContainerCommand>, signal: AbortSignal): Promise<TaskReport> {
    const { ref, command, environment, timeoutMs } = request;
    const key = `${instanceKey(ref)} ${ref.task}`;
    if (this.running.has(key)) throw new HiveError('CONFLICT', `The task ${ref.task} of ${ref.source}:${ref.service} runs already.`);
    this.running.add(key);
    const began = performance.now();
    try {
      await this.cleared();
      const tail = new OutputTail([request.stderrPath, request.stdoutPath]);
      if (signal.aborted) return { exit: { kind: 'unknown', reason: 'it was called off before it began' }, endedBy: 'abort', tookMs: performance.now() - began, lastLines: [] };
      const { id } = await this.launcher.create({ ref, command, environment, incarnation: `task-${randomBytes(9).toString('hex')}`, stillWanted: () => !signal.aborted });
      try {
        return { ...(await this.runContainer(id, request, signal, timeoutMs)), tookMs: performance.now() - began, lastLines: tail.read(taskLastLines) };
      } finally {
        await this.remove(id);
      }
    } finally {
      this.running.delete(key);
    }
  }

  private async runContainer(container: string, request: TaskRequest<ContainerCommand>, signal: AbortSignal, timeoutMs: number | null): Promise<Pick<TaskReport, 'exit' | 'endedBy' | 'diagnosis'>> {
    const output = await TaskOutput.attached(this.connection, container, request);
    try {
      const over = new AbortController();
      await this.launcher.start(container, request);
      const ended = this.untilItEnds(container, over.signal);
      const endedBy = await whatEnds(ended, timeoutMs, signal);
      if (endedBy !== 'itself') {
        await this.signalled(container, 'SIGTERM');
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, taskGraceMs).unref())]);
        await this.signalled(container, 'SIGKILL');
      }
      await ended;
      over.abort();
      await output.complete();
      const end = exitOf(await this.connection.call((engine) => engine.getContainer(container).inspect()));
      const exit: ExitResult = end?.exit ?? { kind: 'unknown', reason: 'its engine does not say how it ended' };
      return { exit, endedBy, ...(end?.diagnosis === undefined ? {} : { diagnosis: end.diagnosis }) };
    } finally {
      output.close();
    }
  }

  /** Asked again when the engine went away meanwhile. */
  private async untilItEnds(container: string, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      try {
        await this.connection.call((engine) => engine.getContainer(container).wait() as Promise<unknown>, longestMs);
        return;
      } catch (error) {
        if (statusOf(error) !== null) return;
        await this.connection.whenAvailable();
      }
    }
  }

  private async signalled(container: string, signal: NodeJS.Signals): Promise<void> {
    await this.connection.call((engine) => engine.getContainer(container).kill({ signal }) as Promise<unknown>).catch(() => undefined);
  }

  private async remove(container: string): Promise<void> {
    try {
      await this.connection.call((engine) => engine.getContainer(container).remove({ v: true, force: true }) as Promise<unknown>);
    } catch (error) {
      const status = statusOf(error);
      if (status !== 404 && status !== 409) throw error;
    }
  }
}

const longestMs = 2 ** 31 - 1;
