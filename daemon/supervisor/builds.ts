import { createHash } from 'node:crypto';
import type { BuildSpec, ServiceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { LogPaths } from '../logs/log-paths.js';
import { describeExit } from '../reconciler/restart-policy.js';
import type { InstanceRef } from '../runner/runner.js';
import { runToCompletion } from '../runner/script/run-to-completion.js';
import type { StateStore } from '../state/state-store.js';

/** Build commands, and which of them have been done. */
export class Builds {
  private readonly doneHash = new Map<string, string>();

  constructor(private readonly store: StateStore) {
    const rows = store.db.prepare('SELECT fqn, hash FROM builds').all() as { fqn: string; hash: string }[];
    for (const { fqn, hash } of rows) this.doneHash.set(fqn, hash);
  }

  /** Whether this very build of the service succeeded before. */
  done(spec: ServiceSpec): boolean {
    return spec.build !== null && this.doneHash.get(spec.fqn) === hashOf(spec.build);
  }

  /**
   * Runs the build command; its output goes to the service's log. When `abort` is, it resolves once nothing of the build is
   * left. Throws BUILD_FAILED.
   */
  async run(spec: ServiceSpec, ref: InstanceRef, environment: Record<string, string>, paths: LogPaths, abort: AbortSignal): Promise<'built' | 'aborted'> {
    const { build } = spec;
    if (build === null) return 'built';
    const { exit, endedBy } = await runToCompletion({
      ref, environment, abort,
      command: { run: build.command },
      workingDirectory: build.workingDir,
      outputPath: paths.stdoutPath,
      errorPath: paths.stderrPath,
      timeoutMs: null,
    });
    if (endedBy === 'abort') return 'aborted';
    if (exit.kind !== 'code' || exit.code !== 0) {
      throw new HiveError('BUILD_FAILED', `could not be built: its build command ${describeExit(exit)}`, { next: `Read \`hivectl logs ${spec.fqn}\`.` });
    }
    const hash = hashOf(build);
    await this.store.commit((tx) => tx.db.prepare('INSERT INTO builds VALUES (?, ?) ON CONFLICT (fqn) DO UPDATE SET hash = excluded.hash').run(spec.fqn, hash));
    this.doneHash.set(spec.fqn, hash);
    return 'built';
  }

  forget(fqn: string): void {
    this.doneHash.delete(fqn);
    void this.store.record((tx) => tx.db.prepare('DELETE FROM builds WHERE fqn = ?').run(fqn));
  }
}

function hashOf(build: BuildSpec): string {
  return createHash('sha256').update(JSON.stringify(build)).digest('hex');
}
