import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Environment } from '../../shared/config/interpolate.js';
import { parseFqn } from '../../shared/config/names.js';
import type { DeclaredSettings } from '../../shared/config/plugin-settings.js';
import type { Problem } from '../../shared/config/problem.js';
import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { Change, Revision, Source } from '../../shared/protocol/results.js';
import type { PendingCause, StateStore } from '../state/state-store.js';
import { detectSource, sourceFile, type SourceFile } from './detect-source.js';
import { dotenvFiles } from './dotenv-digests.js';
import { LiveSources, type Plan } from './live-sources.js';
import { loadSources } from './load-sources.js';
import { ReaderFactory } from './reader-factory.js';
import { refusalError } from './refusal.js';
import { RegisteredSource } from './registered-source.js';
import { removeFromRegistry, writeRegistry } from './registry.js';
import { ReloadSchedule } from './reload-schedule.js';
import { SerialQueue } from './serial-queue.js';
import { ServiceEdits, type ServiceChange } from './service-edits.js';
import { appendServiceEvents, appendSourceChanged } from './source-events.js';
import { checkSourceName, cocoonsSource, defaultSource, deriveSourceName, isReservedName } from './source-name.js';
import type { SupervisorPort } from './supervisor-port.js';
import { FileWatch, signature } from './watch-files.js';
import { watchedReload, type Watched } from './watched-reload.js';

export interface SourceManagerOptions {
  readonly home: string;
  readonly store: StateStore;
  readonly supervisor: SupervisorPort;
  readonly log: Logger;
  /** What `${env.NAME}` in a configuration means. */
  readonly environment: Environment;
  /** Told each time that what sources say has changed, once it can be asked for. */
  readonly onLive?: () => void;
  /** Told that a service of a database is gone for good, before another of its name can come. */
  readonly onDeleted?: (source: string, service: string) => void;
  /** What plugins declare about their settings; by default nothing, and they check them alone. */
  readonly pluginSettings?: DeclaredSettings;
}

/** How often sources are asked for changes that give no notice (a database that another program writes), milliseconds. */
const lookEveryMs = 3_000;

/**
 * The configuration sources: which there are, what each says, and what of it is live. Every verb answers when its effect
 * is on disk; verbs on one source run one after the other.
 */
export class SourceManager {
  private readonly live: LiveSources;
  private readonly edits: ServiceEdits;
  private readonly registering = new SerialQueue();
  private readonly schedule: ReloadSchedule;
  private readonly watch: FileWatch;
  private readonly watched: Watched;
  private readers: ReaderFactory;
  private look: NodeJS.Timeout | null = null;

  constructor(private readonly options: SourceManagerOptions) {
    const { store, supervisor, log, home, environment, pluginSettings } = options;
    this.live = new LiveSources(store, supervisor, log, options.onLive);
    this.readers = new ReaderFactory(home, environment, pluginSettings);
    this.edits = new ServiceEdits(this.live, supervisor, () => this.makeCocoons(), (source, service) => options.onDeleted?.(source, service));
    this.schedule = new ReloadSchedule((name) => watchedReload(this.watched, name));
    this.watch = new FileWatch((name) => this.schedule.notice(name));
    this.watched = { live: this.live, read: (source) => this.read(source), retry: (name, delayMs) => this.schedule.later(name, delayMs), log };
  }

  /** Reads every source and tells the supervisor; to be called once, before anything else. Bad content is no reason to fail. */
  async load(): Promise<void> {
    const home = await realpath(this.options.home);
    this.readers = new ReaderFactory(home, this.options.environment, this.options.pluginSettings);
    await loadSources({ live: this.live, readers: this.readers, store: this.options.store, log: this.options.log, read: (source) => this.read(source), retry: this.watched.retry });
    this.look = setInterval(() => {
      for (const source of this.live.all()) if (source.row.enabled && source.reader.changedElsewhere()) this.schedule.notice(source.name);
    }, lookEveryMs);
    this.look.unref();
  }

  list(): Source[] {
    return this.live.all().map((source) => source.toResult());
  }

  /** @throws HiveError NOT_FOUND */
  get(name: string): Source {
    return this.live.get(name).toResult();
  }

  /** Every live service of the enabled sources. */
  allSpecs(): ServiceSpec[] {
    return this.live.all().flatMap((source) => (source.row.enabled ? [...(source.spec?.services ?? [])] : []));
  }

  /** What a YAML source says as it is live, with its secrets, and the dotenv files that its services read. @throws HiveError NOT_FOUND */
  textOf(name: string): { name: string; text: string | null; dotenv: string[] } {
    const source = this.live.get(name);
    return {
      name,
      text: source.content === null ? null : source.reader.textOf(source.content),
      dotenv: source.spec === null ? [] : dotenvFiles(source.spec),
    };
  }

  /** The live spec of a service, or null. @throws HiveError INVALID_PARAMS when `fqn` is no full name. */
  specOf(fqn: string): ServiceSpec | null {
    const { source, service } = parseFqn(fqn);
    const found = this.live.find(source);
    return (found?.row.enabled === true && found.spec?.services.find(({ name }) => name === service)) || null;
  }

  /** The live spec of a source, or null while it is disabled or unreadable. */
  sourceSpec(name: string): SourceSpec | null {
    const source = this.live.find(name);
    return source?.row.enabled === true ? source.spec : null;
  }

  /** Enabled sources whose services are known; of the others neither the file nor the last good content could be loaded. */
  loaded(): string[] {
    return this.live.all().filter(({ row, spec }) => row.enabled && spec !== null).map(({ name }) => name);
  }

  /**
   * Registers a folder, a YAML file or a database. Adding what is registered already answers it as it is.
   *
   * @throws HiveError NOT_FOUND, INVALID_PARAMS, ALREADY_EXISTS (the name), INVALID_CONFIG, CONFLICT; then nothing changed.
   */
  async add({ path, name }: { path: string; name?: string | undefined }, cause: PendingCause): Promise<Source> {
    if (name !== undefined) checkSourceName(name);
    const file = (await this.readers.isHome(path)) ? null : await detectSource(path);
    const present = file === null ? this.live.get(defaultSource) : this.live.byPath(file.path);
    if (present === null || file === null) return present !== null ? existing(present, name) : this.registering.run(() => this.register(file as SourceFile, name, cause));
    // A removal that is under way ends first.
    await present.queue.run(async () => undefined);
    return present.phase === 'removed' ? this.add({ path, name }, cause) : existing(present, name);
  }

  /** Stops the services of a source and forgets it. @throws HiveError NOT_FOUND, STOP_FAILED (the source stays), STORAGE_FAILED */
  async remove(name: string, cause: PendingCause): Promise<Source> {
    if (name === defaultSource) {
      throw new HiveError('INVALID_PARAMS', 'The default source cannot be removed: it is always there.', { next: `Empty ${this.live.get(name).row.path} (services: {}), or disable the source.` });
    }
    return this.exclusively(name, async (source) => {
      if (source.announced) await this.options.supervisor.stopAll(name, cause);
      const result = source.toResult();
      await this.options.store.commit((tx) => {
        const services = (source.spec?.services ?? []).map(({ fqn }) => ({ service: fqn, action: 'remove' as const, fields: [] }));
        appendServiceEvents(tx, name, services, cause);
        tx.append({ type: 'source.removed', source: name }, cause);
        removeFromRegistry(tx.db, name);
      });
      this.retire(source, 'removed');
      source.phase = 'removed';
      this.live.delete(name);
      source.reader.close();
      this.options.onLive?.();
      return result;
    });
  }

  /** Reads a source again and applies what differs. @throws HiveError NOT_FOUND, INVALID_CONFIG, CONFLICT; then nothing changed. */
  reload(name: string, cause: PendingCause): Promise<{ source: Source; changes: Change[] }> {
    return this.exclusively(name, async (source) => {
      const plan = await this.planned(source);
      if (!plan.ok) {
        await this.live.setProblems(source, plan.refusal.problems, cause);
        throw refusalError(name, plan.refusal);
      }
      if (plan.reading.content !== source.content) {
        await this.live.publish(source, plan, { cause, events: (tx, changes, revision) => appendSourceChanged(tx, name, revision, changes, cause) });
      }
      await this.live.setProblems(source, [], cause);
      return { source: source.toResult(), changes: plan.changes };
    });
  }

  /** What `reload` would change, without changing anything. @throws HiveError NOT_FOUND */
  async plan(name: string): Promise<{ changes: Change[]; problems: Problem[] }> {
    const plan = await this.planned(this.live.get(name));
    return plan.ok ? { changes: plan.changes, problems: [] } : { changes: [], problems: [...plan.refusal.problems] };
  }

  /** Takes a disabled source up again, as its file now says. @throws HiveError NOT_FOUND, INVALID_CONFIG, CONFLICT; then it stays disabled. */
  enable(name: string, cause: PendingCause): Promise<Source> {
    return this.exclusively(name, async (source) => {
      if (source.row.enabled) return source.toResult();
      const plan = await this.planned(source);
      if (!plan.ok) throw refusalError(name, plan.refusal);
      await this.live.publish(source, plan, { cause, row: { enabled: true }, events: (tx, changes, revision) => appendSourceChanged(tx, name, revision, changes, cause) });
      return source.toResult();
    });
  }

  /** Stops the services of a source and keeps it registered. @throws HiveError NOT_FOUND, STOP_FAILED (it stays enabled), STORAGE_FAILED */
  disable(name: string, cause: PendingCause): Promise<Source> {
    return this.exclusively(name, async (source) => {
      if (!source.row.enabled) return source.toResult();
      if (source.announced) await this.options.supervisor.stopAll(name, cause);
      const row = { ...source.row, enabled: false };
      await this.options.store.commit((tx) => {
        writeRegistry(tx.db, row);
        tx.append({ type: 'source.changed', source: name, revision: row.revision, changes: [] }, cause);
      });
      source.row = row;
      source.problems = [];
      this.retire(source, 'disabled');
      this.options.onLive?.();
      return source.toResult();
    });
  }

  /** Adds a service to a SQLite source. @throws HiveError READ_ONLY_SOURCE, ALREADY_EXISTS, INVALID_CONFIG, INVALID_PARAMS, CONFLICT, STORAGE_FAILED */
  createService(request: { source: string; name: string; config: unknown }, cause: PendingCause): Promise<ServiceChange> {
    return this.edits.create(request, cause);
  }

  /** Applies a JSON merge patch. @throws HiveError as `createService`, and CONFLICT when `ifRevision` is not the present one. */
  updateService(request: { fqn: string; patch: unknown; ifRevision?: number | undefined }, cause: PendingCause): Promise<ServiceChange> {
    return this.edits.update(request, cause);
  }

  /** Stops a service of a SQLite source, then removes it. @throws HiveError NOT_FOUND, READ_ONLY_SOURCE, STOP_FAILED, INVALID_CONFIG (others need it) */
  deleteService(fqn: string, cause: PendingCause): Promise<void> {
    return this.edits.delete(fqn, cause);
  }

  /** Makes an earlier revision the present one, as a new revision; brings a deleted service back. */
  rollbackService(request: { fqn: string; revision: number }, cause: PendingCause): Promise<ServiceChange> {
    return this.edits.rollback(request, cause);
  }

  /** The configuration as written, secrets masked; of a YAML source with the revision of the source. @throws HiveError NOT_FOUND */
  configOf(fqn: string): { fqn: string; revision: number; config: unknown } {
    return this.edits.configOf(fqn);
  }

  /** Newest first, secrets masked. @throws HiveError NOT_FOUND, READ_ONLY_SOURCE */
  revisions(fqn: string): Revision[] {
    return this.edits.revisions(fqn);
  }

  /** Stops watching and closes the databases, after what is under way. Services run on. */
  async close(): Promise<void> {
    if (this.look !== null) clearInterval(this.look);
    this.schedule.close();
    this.watch.close();
    await this.registering.run(async () => undefined);
    await Promise.all(this.live.all().map((source) => source.queue.run(async () => source.reader.close())));
  }

  private async register(file: SourceFile, chosen: string | undefined, cause: PendingCause): Promise<Source> {
    const present = this.live.byPath(file.path);
    if (present !== null) return existing(present, chosen);
    const name = file.path === this.readers.cocoonsPath ? cocoonsSource : (chosen ?? deriveSourceName(file));
    if (this.live.has(name) || (isReservedName(name) && file.path !== this.readers.cocoonsPath)) {
      throw new HiveError('ALREADY_EXISTS', `The source name "${name}" is taken${this.live.find(name) === null ? '' : ` by ${this.live.get(name).row.path}`}.`, {
        next: `Give another name: hivectl source add ${file.path} --name ${name}-2.`,
        data: { source: name },
      });
    }
    const row = { name, kind: file.kind, path: file.path, enabled: true, revision: 0, good: null };
    const source = new RegisteredSource(row, this.readers.make(name, file, 'create'));
    this.live.add(source);
    try {
      const plan = await this.planned(source);
      if (!plan.ok) throw refusalError(name, plan.refusal);
      await this.live.publish(source, plan, {
        cause,
        events: (tx, changes) => {
          const added = tx.append({ type: 'source.added', source: name, path: file.path }, cause);
          appendServiceEvents(tx, name, changes, added);
          return added;
        },
      });
      source.phase = 'registered';
      this.watch.set(name, source.reader.watchedFiles());
      // Only now it is among all sources, so that whoever asks what services there are finds its.
      this.options.onLive?.();
      return source.toResult();
    } catch (error) {
      this.live.delete(name);
      source.reader.close();
      throw error;
    }
  }

  /** The SQLite source for what others ask for from afar, made when it is first needed. */
  private async makeCocoons(): Promise<void> {
    if (this.live.find(cocoonsSource) !== null) return;
    const file = sourceFile('sqlite', join(this.readers.home, 'cocoons.db'));
    await this.registering.run(() => this.register(file, undefined, { request: 'services.create', by: 'hived' }));
  }

  private async planned(source: RegisteredSource): Promise<Plan> {
    const before = signature(source.reader.file.path);
    const plan = this.live.plan(source, await this.read(source));
    // A file that was written to meanwhile may have been read half.
    return plan.ok && source.row.kind === 'yaml' && signature(source.reader.file.path) !== before ? this.live.plan(source, await this.read(source)) : plan;
  }

  private async read(source: RegisteredSource): ReturnType<ReaderFactory['read']> {
    const reading = await this.readers.read(source);
    if (source.phase === 'registered' && source.row.enabled) this.watch.set(source.name, this.readers.watchedFiles(source));
    return reading;
  }

  /** Ends the watching of a source and what the supervisor knows of it. */
  private retire(source: RegisteredSource, why: 'removed' | 'disabled'): void {
    this.watch.set(source.name, []);
    this.schedule.forget(source.name);
    // A disabled source is known no more, but what was said of it still is.
    if (source.announced || why === 'removed') this.options.supervisor.dropSource(source.name, why);
    source.announced = false;
  }

  private async exclusively<T>(name: string, verb: (source: RegisteredSource) => Promise<T>): Promise<T> {
    const source = this.live.get(name);
    const outcome = await source.queue.run(async () => (source.phase === 'removed' ? null : { value: await verb(source) }));
    // Removed while this waited for its turn: another of that name may be there by now.
    return outcome === null ? this.exclusively(name, verb) : outcome.value;
  }
}

function existing(source: RegisteredSource, name: string | undefined): Source {
  if (name === undefined || name === source.name) return source.toResult();
  throw new HiveError('ALREADY_EXISTS', `${source.row.path} is registered already, as source "${source.name}".`, {
    next: `Use that name, or remove it first: hivectl source remove ${source.name}.`,
    data: { source: source.name },
  });
}
