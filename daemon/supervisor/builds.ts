import { createHash } from 'node:crypto';
import type { BuildSpec, ServiceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { LogPaths } from '../logs/log-paths.js';
import { describeExit } from '../reconciler/restart-policy.js';
import type { InstanceRef, Runner } from '../runner/runner.js';
import type { ScriptCommand } from '../runner/script/script-command.js';
import type { StateStore } from '../state/state-store.js';

type Outcome = 'built' | 'aborted';

/** A build command that runs, for all instances of a service that wait for it. */
interface RunningBuild {
  readonly hash: string;
  readonly calledOff: AbortController;
  waiting: number;
  readonly outcome: Promise<Outcome>;
}

/** Build commands, and which of them have been done. */
export class Builds {
  private readonly doneHash = new Map<string, string>();
  private readonly running = new Map<string, RunningBuild>();

  constructor(private readonly store: StateStore, private readonly runner: Pick<Runner<ScriptCommand>, 'runTask'>) {
    const rows = store.db.prepare('SELECT fqn, hash FROM builds').all() as { fqn: string; hash: string }[];
    for (const { fqn, hash } of rows) this.doneHash.set(fqn, hash);
  }

  /** Whether this very build of the service succeeded before. */
  done(spec: ServiceSpec): boolean {
    return spec.build !== null && this.doneHash.get(spec.fqn) === hashOf(spec.build);
  }

  /**
   * Runs the build command, once for all instances that ask at the same time: two at once would write the same files. Its
   * output goes to the log of the first. It is called off when all who asked have aborted; resolves then once nothing of it
   * is left. Throws BUILD_FAILED.
   */
  async run(spec: ServiceSpec, ref: InstanceRef, environment: Record<string, string>, paths: LogPaths, abort: AbortSignal): Promise<Outcome> {
    const { build, fqn } = spec;
    if (build === null) return 'built';
    const hash = hashOf(build);
    let running = this.running.get(fqn);
    while (running !== undefined && (running.hash !== hash || running.calledOff.signal.aborted)) {
      await running.outcome.catch(() => undefined);
      running = this.running.get(fqn);
    }
    if (abort.aborted) return 'aborted';
    const mine = running ?? this.begin(spec, build, hash, ref, environment, paths);
    mine.waiting += 1;
    const leave = (): void => {
      mine.waiting -= 1;
      if (mine.waiting === 0) mine.calledOff.abort();
    };
    abort.addEventListener('abort', leave);
    try {
      return await mine.outcome;
    } finally {
      abort.removeEventListener('abort', leave);
    }
  }

  forget(fqn: string): void {
    this.doneHash.delete(fqn);
    void this.store.record((tx) => tx.db.prepare('DELETE FROM builds WHERE fqn = ?').run(fqn));
  }

  private begin(spec: ServiceSpec, build: BuildSpec, hash: string, ref: InstanceRef, environment: Record<string, string>, paths: LogPaths): RunningBuild {
    const calledOff = new AbortController();
    const work = async (): Promise<Outcome> => {
      try {
        return await this.execute(spec, build, hash, ref, environment, paths, calledOff.signal);
      } finally {
        this.running.delete(spec.fqn);
      }
    };
    const running: RunningBuild = { hash, calledOff, waiting: 0, outcome: work() };
    this.running.set(spec.fqn, running);
    return running;
  }

  private async execute(spec: ServiceSpec, build: BuildSpec, hash: string, ref: InstanceRef, environment: Record<string, string>, paths: LogPaths, signal: AbortSignal): Promise<Outcome> {
    const { exit, endedBy, diagnosis } = await this.runner.runTask({
      ref: { source: ref.source, service: ref.service, number: ref.number, task: 'build' },
      command: { run: build.command },
      environment,
      workingDirectory: build.workingDir,
      stdoutPath: paths.stdoutPath,
      stderrPath: paths.stderrPath,
      timeoutMs: null,
    }, signal);
    if (endedBy === 'abort') return 'aborted';
    if (exit.kind !== 'code' || exit.code !== 0) {
      throw new HiveError('BUILD_FAILED', `could not be built: its build command ${describeExit(exit)}${diagnosis === undefined ? '' : `; ${diagnosis}`}`, { next: `Read \`hivectl logs ${spec.fqn}\`.` });
    }
    await this.store.commit((tx) => tx.db.prepare('INSERT INTO builds VALUES (?, ?) ON CONFLICT (fqn) DO UPDATE SET hash = excluded.hash').run(spec.fqn, hash));
    this.doneHash.set(spec.fqn, hash);
    return 'built';
  }
}

function hashOf(build: BuildSpec): string {
  return createHash('sha256').update(JSON.stringify(build)).digest('hex');
}
