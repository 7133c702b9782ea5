import { nameProblem, parseFqn } from '../../shared/config/names.js';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { Revision } from '../../shared/protocol/results.js';
import type { PendingCause } from '../state/state-store.js';
import type { LiveSources } from './live-sources.js';
import { findMask, maskSecrets, unmaskSecrets } from '../../shared/config/mask-secrets.js';
import { applyMergePatch } from './merge-patch.js';
import { planChanges } from './plan-changes.js';
import { conflictRefusal, refusalError } from './refusal.js';
import type { RegisteredSource } from './registered-source.js';
import { appendServiceEvents } from './source-events.js';
import { cocoonsSource } from './source-name.js';
import { DatabaseUnusable, SnapshotOutdated, type Edit } from './sqlite-file.js';
import { SqliteReader } from './sqlite-reader.js';
import type { SupervisorPort } from './supervisor-port.js';

/** A service as an edit left it. */
export interface ServiceChange {
  readonly spec: ServiceSpec;
  readonly revision: number;
}

/** How often an edit starts over because another program has written to the same file. */
const mostAttempts = 5;

/** services.create, update, delete, rollback, config and revisions. Edits are for SQLite sources. */
export class ServiceEdits {
  constructor(
    private readonly live: LiveSources,
    private readonly supervisor: SupervisorPort,
    private readonly makeCocoons: () => Promise<void>,
    /** Told that a service is gone for good, before another of its name can come. */
    private readonly onDeleted: (source: string, service: string) => void,
  ) {}

  async create({ source, name, config }: { source: string; name: string; config: unknown }, cause: PendingCause): Promise<ServiceChange> {
    const problem = nameProblem('service', name);
    if (problem !== null) throw new HiveError('INVALID_PARAMS', problem, { next: 'Choose another name, such as web.' });
    refuseMask(config);
    if (source === cocoonsSource) await this.makeCocoons();
    return this.edit(`${source}:${name}`, cause, (reader) => {
      if (reader.present(name) !== null) {
        throw new HiveError('ALREADY_EXISTS', `Service ${source}:${name} exists already.`, { next: 'Change it with services.update, or choose another name.', data: { fqn: `${source}:${name}` } });
      }
      return { kind: 'put', service: name, config: asJson(config), action: 'create' };
    });
  }

  async update({ fqn, patch, ifRevision }: { fqn: string; patch: unknown; ifRevision?: number | undefined }, cause: PendingCause): Promise<ServiceChange> {
    return this.edit(fqn, cause, (reader, name) => {
      const present = reader.present(name) ?? notThere(fqn);
      if (ifRevision !== undefined && ifRevision !== present.revision) {
        throw new HiveError('CONFLICT', `Service ${fqn} is at revision ${present.revision}, not ${ifRevision}: somebody else has changed it.`, {
          next: 'Read it again (services.config) and repeat the change.',
          data: { fqn, revision: present.revision },
        });
      }
      const before = JSON.parse(present.config) as unknown;
      const changed = unmaskSecrets(patch, before);
      refuseMask(changed);
      const config = asJson(applyMergePatch(before, changed));
      return config === present.config ? null : { kind: 'put', service: name, config, action: 'update' };
    });
  }

  async rollback({ fqn, revision }: { fqn: string; revision: number }, cause: PendingCause): Promise<ServiceChange> {
    return this.edit(fqn, cause, (reader, name) => {
      const wanted = reader.revisionsOf(name).find((row) => row.revision === revision);
      if (wanted === undefined) throw new HiveError('NOT_FOUND', `Service ${fqn} has no revision ${revision}.`, { next: `See hivectl service revisions ${fqn}.`, data: { fqn, revision } });
      if (wanted.action === 'delete') throw new HiveError('INVALID_PARAMS', `Revision ${revision} is the deletion of ${fqn}.`, { next: 'Choose a revision before it, or use services.delete.' });
      return { kind: 'put', service: name, config: wanted.config, action: 'rollback' };
    });
  }

  async delete(fqn: string, cause: PendingCause): Promise<void> {
    await this.exclusively(fqn, async ({ source, name, reader }) => {
      if (reader.present(name) === null) notThere(fqn);
      // Said before anything is stopped: others may depend on the service.
      const edit: Edit = { kind: 'delete', service: name };
      this.draft(source, reader, edit);
      const removal = (): Promise<void> => this.write(source, this.draft(source, reader, edit), cause, fqn);
      await (source.announced ? this.supervisor.stopAndDrop(fqn, cause, removal) : removal());
      this.onDeleted(source.name, name);
    });
  }

  configOf(fqn: string): { fqn: string; revision: number; config: unknown } {
    const { source: sourceName, service } = parseFqn(fqn);
    const source = this.live.get(sourceName);
    const found = source.content === null ? null : source.reader.configOf(source.content, service);
    if (found === null) return notThere(fqn);
    return { fqn, revision: found.revision ?? source.row.revision, config: maskSecrets(found.config) };
  }

  revisions(fqn: string): Revision[] {
    const { source, name, reader } = this.writable(fqn);
    try {
      const rows = reader.revisionsOf(name);
      if (rows.length === 0) notThere(fqn);
      return rows.map(({ config, ...row }) => ({ ...row, config: maskSecrets(JSON.parse(config)) }));
    } catch (error) {
      throw error instanceof DatabaseUnusable ? storageFailed(source, error) : error;
    }
  }

  /** Runs one edit; `decide` answers null when there is nothing to change, and is asked again when its ground has moved. */
  private async edit(fqn: string, cause: PendingCause, decide: (reader: SqliteReader, service: string) => Edit | null): Promise<ServiceChange> {
    return this.exclusively(fqn, async ({ source, name, reader }) => {
      const edit = decide(reader, name);
      if (edit !== null) await this.write(source, this.draft(source, reader, edit), cause);
      const spec = source.spec?.services.find((service) => service.name === name);
      const present = reader.present(name);
      return spec === undefined || present === null ? notThere(fqn) : { spec, revision: present.revision };
    });
  }

  /** Runs an edit when nothing else happens to its source; again from the start when another program was faster. */
  private async exclusively<T>(fqn: string, work: (target: Target) => Promise<T>): Promise<T> {
    const { source } = this.writable(fqn);
    const outcome = await source.queue.run(async () => {
      if (source.phase === 'removed') return null;
      return { value: await attempt(source, () => work(this.writable(fqn))) };
    });
    // Removed while this waited for its turn: another of that name may be there by now.
    return outcome === null ? this.exclusively(fqn, work) : outcome.value;
  }

  private draft(source: RegisteredSource, reader: SqliteReader, edit: Edit): Draft {
    const result = reader.draft(edit);
    if (!result.ok) throw refusalError(source.name, { kind: 'invalid', problems: result.problems });
    const conflicts = source.row.enabled ? this.live.conflictsOf(source, result.draft.spec) : [];
    if (conflicts.length > 0) throw refusalError(source.name, conflictRefusal(source, source.content ?? '', conflicts));
    return result.draft;
  }

  /** First the source's own file, then state.db: what a crash cuts off in between is told at the next start. */
  private async write(source: RegisteredSource, draft: Draft, cause: PendingCause, dropped?: string): Promise<void> {
    const changes = planChanges(source.spec, draft.spec);
    const reading = draft.write();
    await this.live.publish(source, { ok: true, reading, changes }, {
      cause,
      durable: 'elsewhere',
      ...(dropped === undefined ? {} : { dropped }),
      events: (tx) => appendServiceEvents(tx, source.name, changes, cause),
    });
  }

  private writable(fqn: string): Target {
    const { source: sourceName, service } = parseFqn(fqn);
    const source = this.live.get(sourceName);
    if (source.reader instanceof SqliteReader) return { source, name: service, reader: source.reader };
    throw new HiveError('READ_ONLY_SOURCE', `Source ${sourceName} is the file ${source.row.path}, which only its editor changes.`, {
      next: `Edit ${source.row.path}; it is taken up when it is saved.`,
      data: { source: sourceName, path: source.row.path },
    });
  }
}

interface Target {
  readonly source: RegisteredSource;
  readonly name: string;
  readonly reader: SqliteReader;
}

type Draft = (ReturnType<SqliteReader['draft']> & { ok: true })['draft'];

async function attempt<T>(source: RegisteredSource, work: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DatabaseUnusable) throw storageFailed(source, error);
      if (!(error instanceof SnapshotOutdated)) throw error;
      if (attempts === mostAttempts) throw storageFailed(source, new Error(`${source.row.path} is changed by another program all the time.`));
    }
  }
}

function storageFailed(source: RegisteredSource, error: Error): HiveError {
  return new HiveError('STORAGE_FAILED', error.message, { next: `Mend ${source.row.path} and try again; nothing was changed.`, cause: error });
}

function notThere(fqn: string): never {
  throw new HiveError('NOT_FOUND', `There is no service ${fqn}.`, { next: 'See hivectl list.', data: { fqn } });
}

function asJson(config: unknown): string {
  return JSON.stringify(config ?? null);
}

function refuseMask(config: unknown): void {
  const at = findMask(config);
  if (at === null) return;
  throw new HiveError('INVALID_PARAMS', `${at} is ***, which is how Hive shows a secret and not the secret itself.`, { next: 'Leave the key out of a patch to keep its value, or give the value.' });
}
