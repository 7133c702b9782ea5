import type { Problem } from '../../shared/config/problem.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import type { Source } from '../../shared/protocol/results.js';
import type { SourceRow } from './registry.js';
import { SerialQueue } from './serial-queue.js';
import type { SourceReader } from './source-reader.js';

/** One source as the daemon knows it. Only LiveSources changes it. */
export class RegisteredSource {
  /** `joining` until its registration is on disk; `removed` once its removal is. */
  phase: 'joining' | 'registered' | 'removed' = 'joining';
  /** What is live; null: nothing of the source was read well by this daemon. */
  spec: SourceSpec | null = null;
  /** The content that `spec` was read from. */
  content: string | null = null;
  /** What becomes `spec` when it is on disk; its ports and routes are taken already. */
  pending: SourceSpec | null = null;
  /** What is wrong with the file as it is now. */
  problems: readonly Problem[] = [];
  /** The supervisor has been told of the services. */
  announced = false;
  /** Verbs on one source run one after the other. */
  readonly queue = new SerialQueue();

  constructor(
    /** What state.db says. */
    public row: SourceRow,
    public reader: SourceReader,
  ) {}

  get name(): string {
    return this.row.name;
  }

  toResult(): Source {
    const { name, kind, path, enabled, revision } = this.row;
    const status = !enabled ? 'disabled' : this.problems.length > 0 ? 'error' : 'loaded';
    return { name, kind, path, enabled, status, problems: [...this.problems], services: this.spec?.services.length ?? 0, revision };
  }
}
