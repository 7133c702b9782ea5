import { dirname } from 'node:path';
import { readProviders, resolveEnvironment } from '../../shared/config/resolve-environment.js';
import { resolveRuntime, type RuntimeValues } from '../../shared/config/runtime-template.js';
import type { LogsSpec, ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import { toHiveError } from '../../shared/errors/index.js';
import type { LogStore } from '../logs/log-store.js';
import { describeExit, seconds } from '../reconciler/restart-policy.js';
import { colorOf } from '../rollout/rollout-plan.js';
import { commandOfRunner, runnerEnvironment } from '../runner/command-of.js';
import { engineOf } from '../runner/engine-of.js';
import { instanceKey, type EngineRef, type InstanceRef } from '../runner/runner.js';
import type { Runners } from '../runner/runners.js';
import { wholeSource, type TaskReport } from '../runner/task.js';
import type { Injection } from '../sharing/sharing.js';
import type { Ports } from '../supervisor/ports.js';
import type { HookEvent } from './hook-steps.js';
import type { Attempt, CommandStep } from './run-step.js';
import { withoutSecrets } from './without-secrets.js';

export interface HookTools {
  readonly runner: Pick<Runners, 'runTask' | 'tasksCleared' | 'trouble' | 'onChange'>;
  readonly logs: Pick<LogStore, 'openHook'>;
  readonly ports: Pick<Ports, 'resolve'>;
  readonly daemonEnvironment: Readonly<Record<string, string>>;
}

/** On whose behalf a hook runs. */
export type HookOwner =
  | { readonly kind: 'service'; readonly spec: ServiceSpec; readonly number: number; readonly known: (spec: ServiceSpec, instance: string) => Injection }
  | { readonly kind: 'source'; readonly spec: Pick<SourceSpec, 'name' | 'projectRoot' | 'environment'> };

const longestEngineWaitMs = 5_000;

const logsOfSources: LogsSpec = { maxSizeBytes: 10 * 1024 * 1024, maxFiles: 10 };

/** Runs the command of a step once, as a task. Never rejects: what cannot be run has failed, and says why. */
export async function attemptCommand(tools: HookTools, owner: HookOwner, hook: HookEvent, step: CommandStep, place: string, signal: AbortSignal): Promise<Attempt> {
  const ref: InstanceRef = owner.kind === 'service'
    ? { source: owner.spec.source, service: owner.spec.name, number: owner.number }
    : { source: owner.spec.name, service: wholeSource, number: 1 };
  try {
    const { environment, values } = await surroundings(tools, owner, ref, hook, step);
    const command = commandOfRunner(step.runner, { projectRoot: owner.spec.projectRoot, stopSignal: 'SIGTERM', values });
    await engineReady(tools.runner, engineOf(step.runner), Math.min(step.timeoutMs, longestEngineWaitMs), signal);
    const log = await tools.logs.openHook(ref, owner.kind === 'service' ? owner.spec.logs : logsOfSources);
    try {
      const report = await tools.runner.runTask({
        ref: { ...ref, task: `hook-${hook}-${place}` },
        command,
        environment,
        workingDirectory: step.runner.type === 'script' ? step.runner.workingDir : step.runner.type === 'compose' ? dirname(step.runner.file) : owner.spec.projectRoot,
        stdoutPath: log.path,
        stderrPath: log.path,
        timeoutMs: step.timeoutMs,
      }, signal);
      return judge(report, step, place.includes('.') ? null : (line) => withoutSecrets(line, environment, tools.daemonEnvironment));
    } finally {
      log.close();
    }
  } catch (thrown) {
    const { message, next } = toHiveError(thrown);
    return { ok: false, reason: `could not be run: ${message}${next === undefined ? '' : ` ${next}`}`.replace(/\.$/, '') };
  }
}

/**
 * An engine that nobody has named before is asked first what runs there, and one may be away for a moment. Of one that stays
 * away it is the task that tells.
 */
function engineReady(runner: HookTools['runner'], engine: EngineRef | null, withinMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): boolean => runner.trouble(engine) === null || signal.aborted;
    if (look()) return resolve();
    const finish = (): void => {
      off();
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, withinMs);
    const off = runner.onChange(() => { if (look()) finish(); });
    signal.addEventListener('abort', finish);
  });
}

/** `clean` null: the last line may be of another step that runs at the same time. */
function judge(report: TaskReport, step: CommandStep, clean: ((line: string) => string) | null): Attempt {
  const { exit, endedBy, diagnosis } = report;
  if (endedBy === 'itself' && exit.kind === 'code' && exit.code === 0) return { ok: true };
  const line = report.lastLines.at(-1);
  const said = diagnosis ?? (line === undefined || clean === null ? undefined : clean(line));
  const how = endedBy === 'timeout' ? `took longer than ${seconds(step.timeoutMs)} and was stopped` : describeExit(exit);
  return { ok: false, reason: said === undefined ? how : `${how}: ${said}` };
}

interface Surroundings {
  readonly environment: Record<string, string>;
  readonly values: RuntimeValues;
}

/** What the service's instance gets, then what its runner and the step add, and over all of it who runs the hook and why. */
async function surroundings(tools: HookTools, owner: HookOwner, ref: InstanceRef, hook: HookEvent, step: CommandStep): Promise<Surroundings> {
  // In a container, the PATH and HOME of this machine mean nothing.
  const daemonEnvironment = step.runner.type === 'script' ? tools.daemonEnvironment : {};
  const { values, environment, about } = owner.kind === 'service'
    ? await ofService(tools, owner, ref, daemonEnvironment)
    : await ofSource(owner.spec, daemonEnvironment);
  const own = Object.fromEntries(Object.entries(step.environment).map(([name, text]) => [name, resolveRuntime(text, values)]));
  return { values, environment: { ...environment, ...runnerEnvironment(step.runner, values), ...own, ...about, HIVE_HOOK_EVENT: hook, HIVE_SOURCE_NAME: ref.source } };
}

async function ofService(tools: HookTools, { spec, known }: Extract<HookOwner, { kind: 'service' }>, ref: InstanceRef, daemonEnvironment: Readonly<Record<string, string>>): Promise<Surroundings & { about: Record<string, string> }> {
  const ports = await tools.ports.resolve(spec.rollout, instanceKey(ref));
  const injection = known(spec, instanceKey(ref));
  const environment = resolveEnvironment({ spec, instance: ref.number, ports, provided: await readProviders(spec.environment), daemonEnvironment, ...injection });
  return {
    values: { ports, uses: injection.usedPorts },
    environment,
    about: {
      HIVE_SERVICE_NAME: spec.name,
      HIVE_SERVICE_FQN: spec.fqn,
      HIVE_ROLLOUT_TYPE: spec.rollout.type,
      ...(spec.rollout.type === 'blue-green' ? { HIVE_ROLLOUT_COLOR: colorOf(ref.number) } : {}),
    },
  };
}

async function ofSource({ name, environment: source }: Extract<HookOwner, { kind: 'source' }>['spec'], daemonEnvironment: Readonly<Record<string, string>>): Promise<Surroundings & { about: Record<string, string> }> {
  // A source has no ports: what its environment says with them is for its services alone.
  const fixed = Object.fromEntries(Object.entries(source.static).filter(([, text]) => isFixed(text)));
  const environments = { service: { static: {}, providers: [] }, source: { static: fixed, providers: source.providers } };
  const all = resolveEnvironment({ spec: { fqn: name, environment: environments }, instance: 1, ports: {}, provided: await readProviders(environments), daemonEnvironment });
  const { HIVE_SERVICE_FQN: _fqn, HIVE_INSTANCE: _instance, ...environment } = all;
  return { values: { ports: {} }, environment, about: {} };
}

function isFixed(text: string): boolean {
  try {
    resolveRuntime(text, { ports: {} });
    return true;
  } catch {
    return false;
  }
}
