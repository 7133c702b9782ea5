import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { HiveError } from '../../../shared/errors/index.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { statusOf } from '../docker/engine-error.js';
import { exitOf } from '../docker/exit-of.js';
import { LogFrames } from '../docker/log-frames.js';
import type { ComposeCommand } from '../instance-command.js';
import type { EngineTools } from '../open-engine.js';
import type { ExitResult } from '../runner.js';
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

  constructor(private readonly connection: EngineConnection, private readonly program: ComposeProgram, private readonly tools: EngineTools, private readonly tidy: (project: string) => Promise<void>) {}

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
      await this.tidy(projectOfTask(this.tools.homeId, request)).catch(() => undefined);
      mark.remove();
      this.running.delete(key);
    }
  }

  private async runService(request: TaskRequest<ComposeCommand>, service: string, incarnation: string, mark: LaunchMark, signal: AbortSignal): Promise<TaskReport> {
    const { ref, command, environment, stdoutPath, stderrPath, timeoutMs } = request;
    const began = performance.now();
    const labels = composeLabels(this.tools.homeId, ref, incarnation);
    const override = mark.writeOverride(composeOverride({ services: [service], labels: {}, only: { environment, stopSignal: command.stopSignal } }));
    const tail = new OutputTail([stderrPath, stdoutPath]);
    const late = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs);
    const over = late === null ? signal : AbortSignal.any([signal, late]);
    const endedBy = (): TaskReport['endedBy'] => (signal.aborted ? 'abort' : late?.aborted === true ? 'timeout' : 'itself');
    const report = (exit: ExitResult, by: TaskReport['endedBy']): TaskReport => ({ exit, endedBy: by, tookMs: performance.now() - began, lastLines: tail.read(taskLastLines) });
    try {
      // Not in the foreground, where compose would write between the lines of the command.
      await this.program.run({
        environment, workingDirectory: dirname(command.file), signal: over, onPid: (pid) => mark.startedBy(pid),
        words: [
          '--project-name', projectOfTask(this.tools.homeId, request), '--project-directory', dirname(command.file), '--file', command.file, '--file', override,
          'run', '--detach', '--no-deps', ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]), service, ...(command.command ?? []),
        ],
      });
    } catch (error) {
      if (over.aborted) return report({ kind: 'unknown', reason: 'it was ended before it began' }, endedBy());
      throw error;
    }
    const [container] = await this.containersOf(incarnation);
    if (container === undefined) throw new HiveError('SPAWN_FAILED', `Compose started no container for the task ${ref.task}.`);
    let by: TaskReport['endedBy'] = 'itself';
    const end = (): void => {
      by = endedBy();
      void this.connection.call((engine) => engine.getContainer(container).stop({ t: taskGraceMs / 1_000 }) as Promise<unknown>).catch(() => undefined);
    };
    over.addEventListener('abort', end, { once: true });
    if (over.aborted) end();
    await copyOutput(this.connection, container, { stdoutPath, stderrPath });
    await this.connection.call((engine) => engine.getContainer(container).wait() as Promise<unknown>, longestMs);
    over.removeEventListener('abort', end);
    const ended = exitOf(await this.connection.call((engine) => engine.getContainer(container).inspect()));
    return report(ended?.exit ?? { kind: 'unknown', reason: 'its engine does not say how it ended' }, by);
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

/** Tasks are where the first instance is, so that they see what it sees. */
function projectOfTask(homeId: string, { ref, command }: TaskRequest<ComposeCommand>): string {
  return projectOf(homeId, { ...ref, number: 1 }, command);
}

const longestMs = 2 ** 31 - 1;

/** Everything that a container writes, until it ends. */
async function copyOutput(connection: EngineConnection, container: string, { stdoutPath, stderrPath }: { stdoutPath: string; stderrPath: string }): Promise<void> {
  const stdout = createWriteStream(stdoutPath, { flags: 'a', mode: 0o600 });
  const files = { stdout, stderr: stderrPath === stdoutPath ? stdout : createWriteStream(stderrPath, { flags: 'a', mode: 0o600 }) };
  const stream = (await connection.call((engine) => engine.getContainer(container).logs({ stdout: true, stderr: true, timestamps: true, follow: true }))) as unknown as AsyncIterable<Buffer>;
  const frames = new LogFrames();
  for await (const chunk of stream) for (const { stream: name, bytes } of frames.push(chunk)) files[name].write(bytes);
  await Promise.all([...new Set(Object.values(files))].map((file) => new Promise<void>((resolve) => file.end(() => resolve()))));
}
