import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { HiveError } from '../../../shared/errors/index.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { statusOf } from '../docker/engine-error.js';
import type { ComposeCommand } from '../instance-command.js';
import type { EngineTools } from '../open-engine.js';
import { OutputTail } from '../script/output-tail.js';
import { taskGraceMs, taskLastLines, type TaskReport, type TaskRequest } from '../task.js';
import { composeLabels, projectOf } from './compose-labels.js';
import { composeOverride } from './compose-override.js';
import type { ComposeProgram } from './compose-program.js';
import { LaunchMark } from './launch-mark.js';

/** Commands that are run to their end by `compose run`, in a container of a service that is removed afterwards. */
export class ComposeTasks {
  private readonly clearing = new Set<Promise<void>>();
  private readonly running = new Set<string>();

  constructor(private readonly connection: EngineConnection, private readonly program: ComposeProgram, private readonly tools: EngineTools) {}

  /** A container that a killed daemon left of a task. */
  clearLeft(container: string): void {
    const cleared = this.remove(container).catch((error: unknown) => this.tools.warn(`The container ${container.slice(0, 12)} of an earlier task could not be removed: ${String(error)}`));
    this.clearing.add(cleared);
    void cleared.finally(() => this.clearing.delete(cleared));
  }

  async cleared(): Promise<void> {
    await Promise.all(this.clearing);
  }

  async run(request: TaskRequest<ComposeCommand>, signal: AbortSignal): Promise<TaskReport> {
    const { ref, command } = request;
    const key = `${ref.source}:${ref.service} ${ref.task}`;
    const { service } = command;
    if (service === null) throw new HiveError('INVALID_CONFIG', `The task ${ref.task} of ${ref.source}:${ref.service} names no service of ${command.file} to run in.`, { next: 'Write service: beside file:.' });
    if (this.running.has(key)) throw new HiveError('CONFLICT', `The task ${ref.task} of ${ref.source}:${ref.service} runs already.`);
    this.running.add(key);
    const incarnation = `task-${randomBytes(9).toString('hex')}`;
    const mark = LaunchMark.make(this.tools.home, incarnation);
    try {
      await this.cleared();
      return await this.runService(request, service, incarnation, mark, signal);
    } finally {
      await this.removeAll(incarnation);
      mark.remove();
      this.running.delete(key);
    }
  }

  private async runService(request: TaskRequest<ComposeCommand>, service: string, incarnation: string, mark: LaunchMark, signal: AbortSignal): Promise<TaskReport> {
    const { ref, command, environment, stdoutPath, stderrPath, timeoutMs } = request;
    const began = performance.now();
    const labels = composeLabels(this.tools.homeId, ref, incarnation);
    const override = mark.writeOverride(composeOverride({ services: [service], labels: {}, only: { environment, stopSignal: command.stopSignal, limits: {} } }));
    const [program, ...first] = await this.program.words();
    const tail = new OutputTail([stderrPath, stdoutPath]);
    const late = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs);
    const compose = execa(program, [
      ...first, '--project-name', projectOf(this.tools.homeId, { ...ref, number: 1 }, command), '--project-directory', dirname(command.file), '--file', command.file, '--file', override,
      'run', '--rm', '--no-deps', '-T', ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]), service, ...(command.command ?? []),
    ], { cwd: dirname(command.file), env: this.program.environment(environment), extendEnv: false, reject: false, stdin: 'ignore', buffer: false, stdout: { file: stdoutPath, append: true }, stderr: { file: stderrPath, append: true } });
    if (compose.pid !== undefined) mark.startedBy(compose.pid);
    let endedBy: TaskReport['endedBy'] = 'itself';
    const stop = (by: 'timeout' | 'abort') => (): void => {
      endedBy = by;
      void this.end(incarnation).finally(() => compose.kill('SIGKILL'));
    };
    const aborted = stop('abort');
    const timedOut = stop('timeout');
    signal.addEventListener('abort', aborted, { once: true });
    late?.addEventListener('abort', timedOut, { once: true });
    if (signal.aborted) aborted();
    const { exitCode } = await compose;
    signal.removeEventListener('abort', aborted);
    late?.removeEventListener('abort', timedOut);
    return {
      exit: exitCode === undefined ? { kind: 'unknown', reason: 'it was ended before it was done' } : { kind: 'code', code: exitCode },
      endedBy, tookMs: performance.now() - began, lastLines: tail.read(taskLastLines),
    };
  }

  /** SIGTERM, the grace, SIGKILL. */
  private async end(incarnation: string): Promise<void> {
    for (const container of await this.containersOf(incarnation)) {
      await this.connection.call((engine) => engine.getContainer(container).stop({ t: taskGraceMs / 1_000 }) as Promise<unknown>).catch(() => undefined);
    }
  }

  private async removeAll(incarnation: string): Promise<void> {
    for (const container of await this.containersOf(incarnation).catch(() => [])) await this.remove(container).catch(() => this.clearLeft(container));
  }

  private async containersOf(incarnation: string): Promise<string[]> {
    const containers = await this.connection.call((engine) => engine.listContainers({ all: true, filters: { label: [`hive.compose.incarnation=${incarnation}`] } }));
    return containers.map(({ Id }) => Id);
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
