import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { SourceManager, type SourceManagerOptions } from '../../daemon/sources/source-manager.js';
import type { SupervisorPort } from '../../daemon/sources/supervisor-port.js';
import { StateStore } from '../../daemon/state/state-store.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import type { Change } from '../../shared/protocol/results.js';

export interface Call {
  readonly call: 'apply' | 'stopAll' | 'drop' | 'stopAndDrop';
  readonly target: string;
  readonly changes?: readonly Change[];
  readonly spec?: SourceSpec;
  readonly why?: string;
}

/** The supervisor's side of the contract: it writes down what it was told, and can be made to fail a stop. */
export class RecordingSupervisor implements SupervisorPort {
  readonly calls: Call[] = [];
  stopFails: HiveError | null = null;
  whileStopping: () => Promise<void> = async () => undefined;

  applySource(spec: SourceSpec, changes: readonly Change[]): void {
    this.calls.push({ call: 'apply', target: spec.name, spec, changes });
  }

  async stopAll(target: string): Promise<void> {
    this.calls.push({ call: 'stopAll', target });
    await this.whileStopping();
    if (this.stopFails !== null) throw this.stopFails;
  }

  dropSource(target: string, why: 'removed' | 'disabled'): void {
    this.calls.push({ call: 'drop', target, why });
  }

  async stopAndDrop(target: string, _cause: unknown, removal: () => Promise<void>): Promise<void> {
    this.calls.push({ call: 'stopAndDrop', target });
    await this.whileStopping();
    if (this.stopFails !== null) throw this.stopFails;
    await removal();
  }

  applied(source: string): Call[] {
    return this.calls.filter(({ call, target }) => call === 'apply' && target === source);
  }

  /** What of the source the supervisor would run now: `name=run` lines. */
  runs(source: string): string[] {
    const services = this.applied(source).at(-1)?.spec?.services ?? [];
    return services.map(({ name, runner }) => `${name}=${runner.type === 'script' ? runner.run : runner.type}`);
  }
}

/** A home with a real state.db, and as many daemons' worth of sources one after the other as a test wants. */
export class SourcesHome {
  readonly environment: Record<string, string | undefined> = { PATH: process.env['PATH'] };
  supervisor = new RecordingSupervisor();
  store: StateStore;
  sources: SourceManager;
  private open = true;

  private constructor(
    readonly folder: string,
    private readonly home: string,
  ) {
    this.store = new StateStore(join(home, 'state.db'));
    this.sources = this.manager();
  }

  static async make(options: { folder?: string } = {}): Promise<SourcesHome> {
    const folder = options.folder ?? (await realpath(await mkdtemp(join(tmpdir(), 'hive-sources-'))));
    await mkdir(join(folder, 'home'), { mode: 0o700, recursive: true });
    return new SourcesHome(folder, join(folder, 'home'));
  }

  get path(): string {
    return this.home;
  }

  /** Ends this daemon, without a word or properly, and makes the next on the same home. */
  async restart(): Promise<void> {
    await this.close();
    this.store = new StateStore(join(this.home, 'state.db'));
    this.supervisor = new RecordingSupervisor();
    this.sources = this.manager();
    this.open = true;
    await this.sources.load();
  }

  async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.sources.close();
    this.store.close();
  }

  async destroy(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Writes a project's .adi/hive.yaml (or any file by a path that starts with /) and answers the project's folder. */
  async project(name: string, text: string): Promise<string> {
    const file = join(this.folder, name, '.adi', 'hive.yaml');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return join(this.folder, name);
  }

  file(project: string): string {
    return join(this.folder, project, '.adi', 'hive.yaml');
  }

  /** The journal: every event since `seq`, in order. */
  events(since = 0): ({ type: string; seq: number } & Record<string, unknown>)[] {
    const rows = this.store.db.prepare('SELECT body FROM events WHERE seq > ? ORDER BY seq').pluck().all(since) as string[];
    return rows.map((body) => JSON.parse(body) as { type: string; seq: number } & Record<string, unknown>);
  }

  eventTypes(since = 0): string[] {
    return this.events(since).map(({ type }) => type);
  }

  private manager(): SourceManager {
    const options: SourceManagerOptions = {
      home: this.home,
      store: this.store,
      supervisor: this.supervisor,
      log: pino({ level: 'silent' }),
      environment: this.environment,
    };
    return new SourceManager(options);
  }
}

export const by = { request: 'test', by: 'a test' };

/** A hive.yaml of script services: name → command, or the whole of a service as YAML in flow style. */
export function yaml(services: Record<string, string>, top = ''): string {
  const lines = Object.entries(services).map(([name, run]) => `  ${name}: ${run.startsWith('{') ? run : `{runner: {type: script, script: {run: ${JSON.stringify(run)}}}}`}`);
  return `version: "1"\n${top}services:${lines.length === 0 ? ' {}' : ''}\n${lines.join('\n')}\n`;
}

export function script(run: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { runner: { type: 'script', script: { run } }, ...more };
}

/** Waits until `fact` holds. */
export async function until(fact: () => boolean | Promise<boolean>, what: string, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await fact())) {
    if (performance.now() > deadline) throw new Error(`${what}: did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What a call was refused with. */
export async function refusal(work: Promise<unknown>): Promise<HiveError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HiveError) return error;
    throw error;
  }
  throw new Error('the call was expected to be refused and was not');
}
