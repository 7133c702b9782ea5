import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/index.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { LogFrames } from '../docker/log-frames.js';
import type { SwarmCommand } from '../instance-command.js';
import type { EngineTools } from '../open-engine.js';
import type { ExitResult } from '../runner.js';
import { OutputTail } from '../script/output-tail.js';
import { taskLastLines, type TaskReport, type TaskRequest } from '../task.js';
import { howItEnded } from './observe-service.js';
import type { ServiceLauncher } from './service-launcher.js';
import { changeReplicas } from './stop-service.js';
import type { SwarmApi } from './swarm-api.js';
import { hasEnded, type SwarmTask } from './swarm-shapes.js';

const lookEveryMs = 150;

/** Commands that are run to their end as services with one task, on any node, which are removed afterwards. */
export class SwarmTasks {
  private readonly clearing = new Set<Promise<void>>();
  private readonly running = new Set<string>();
  private readonly ours = new Set<string>();

  constructor(private readonly connection: EngineConnection, private readonly api: SwarmApi, private readonly launcher: ServiceLauncher, private readonly tools: Pick<EngineTools, 'warn'>) {}

  /** A service that a killed daemon left of a task. */
  clearLeft(service: string): void {
    if (this.ours.has(service)) return;
    this.ours.add(service);
    const cleared = this.api.remove(service).catch((error: unknown) => {
      this.ours.delete(service);
      this.tools.warn(`The service ${service} of an earlier task could not be removed: ${String(error)}`);
    });
    this.clearing.add(cleared);
    void cleared.finally(() => this.clearing.delete(cleared));
  }

  async cleared(): Promise<void> {
    await Promise.all(this.clearing);
  }

  async run(request: TaskRequest<SwarmCommand>, signal: AbortSignal): Promise<TaskReport> {
    const { ref, command, environment, timeoutMs } = request;
    const key = `${ref.source}:${ref.service} ${ref.task}`;
    if (this.running.has(key)) throw new HiveError('CONFLICT', `The task ${ref.task} of ${ref.source}:${ref.service} runs already.`);
    this.running.add(key);
    const began = performance.now();
    const tail = new OutputTail([request.stderrPath, request.stdoutPath]);
    try {
      await this.cleared();
      const { id, name } = await this.launcher.create({ ref, command, environment, incarnation: `task-${randomBytes(9).toString('hex')}` });
      this.ours.add(id);
      this.launcher.done(name);
      try {
        const deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : began + timeoutMs;
        const { tasks, endedBy } = await this.untilItEnds(id, deadline, signal);
        await this.copyOutput(id, request);
        const { exit, diagnosis } = endedBy === 'itself' ? howItEnded(tasks) : { exit: killed(tasks), diagnosis: undefined };
        return { exit, endedBy, tookMs: performance.now() - began, lastLines: tail.read(taskLastLines), ...(diagnosis === undefined ? {} : { diagnosis }) };
      } finally {
        await this.api.remove(id).catch(() => this.launcher.removeLater(id));
        this.ours.delete(id);
      }
    } finally {
      this.running.delete(key);
    }
  }

  private async untilItEnds(id: string, deadline: number, signal: AbortSignal): Promise<{ tasks: SwarmTask[]; endedBy: TaskReport['endedBy'] }> {
    let endedBy: TaskReport['endedBy'] = 'itself';
    for (;;) {
      const tasks = await this.api.tasksOf(id);
      if (tasks.length > 0 && tasks.every(hasEnded)) return { tasks, endedBy };
      if (endedBy === 'itself' && (signal.aborted || performance.now() > deadline)) {
        endedBy = signal.aborted ? 'abort' : 'timeout';
        await changeReplicas(this.api, id, 0);
      }
      if (endedBy !== 'itself' && tasks.length === 0) return { tasks, endedBy };
      await pause(lookEveryMs);
    }
  }

  private async copyOutput(id: string, { stdoutPath, stderrPath }: TaskRequest<SwarmCommand>): Promise<void> {
    const whole = (await this.connection.call((engine) => engine.getService(id).logs({ stdout: true, stderr: true, timestamps: true, follow: false }) as Promise<unknown>)) as AsyncIterable<Buffer> | Buffer;
    const stdout = createWriteStream(stdoutPath, { flags: 'a', mode: 0o600 });
    const files = { stdout, stderr: stderrPath === stdoutPath ? stdout : createWriteStream(stderrPath, { flags: 'a', mode: 0o600 }) };
    const frames = new LogFrames();
    for await (const chunk of Buffer.isBuffer(whole) ? [whole] : whole) for (const { stream, bytes } of frames.push(chunk)) files[stream].write(bytes);
    await Promise.all([...new Set(Object.values(files))].map((file) => new Promise<void>((resolve) => file.end(() => resolve()))));
  }
}

function killed(tasks: readonly SwarmTask[]): ExitResult {
  const code = tasks.map(({ Status }) => Status.ContainerStatus?.ExitCode).find((one) => one !== undefined);
  return code === undefined ? { kind: 'unknown', reason: 'it was ended before it was done' } : { kind: 'code', code };
}
