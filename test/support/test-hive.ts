import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DaemonClient } from '../../shared/client/index.js';
import { packageRoot } from '../../shared/package-root.js';
import type { Service } from '../../shared/protocol/results.js';
import { servicesInProc } from './services-in-proc.js';
import { until } from './until.js';

export const daemonProgram = join(packageRoot(), 'dist/daemon/main.js');

/** A real daemon with a home of its own, for one test; `end` takes everything down, whatever happened. */
export class TestHive {
  readonly home = mkdtempSync(join(tmpdir(), 'hive-test-'));
  /** Done after the daemon has ended and before the home is removed. */
  readonly cleanups: (() => void)[] = [];
  client!: DaemonClient;
  private daemon: ChildProcess | null = null;
  private output = '';

  /** `through`: the words of a program that executes the daemon's, such as a shell with another umask. */
  constructor(private readonly environment: Record<string, string> = {}, private readonly through: readonly string[] = []) {}

  /** Starts a daemon on the home and connects. */
  static async started(environment: Record<string, string> = {}, through: readonly string[] = []): Promise<TestHive> {
    const hive = new TestHive(environment, through);
    await hive.start();
    return hive;
  }

  get pid(): number {
    return this.daemon?.pid ?? 0;
  }

  async start(): Promise<void> {
    const daemon = this.launch();
    const exited = once(daemon, 'exit');
    const ready = new Promise<void>((resolve) => {
      daemon.stdout?.on('data', (chunk: Buffer) => { if (chunk.toString().includes('is ready')) resolve(); });
    });
    await Promise.race([ready, exited.then(() => { throw new Error(`hived did not come up: ${this.output}`); })]);
    this.client = await DaemonClient.connect({ home: this.home });
  }

  /** Starts a daemon without waiting for it. */
  launch(): ChildProcess {
    this.output = '';
    const [program = '', ...words] = [...this.through, process.execPath, daemonProgram, '--home', this.home];
    const daemon = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HIVE_HOME: this.home, ...this.environment },
      detached: true,
    });
    daemon.stdout?.on('data', (chunk: Buffer) => { this.output += chunk.toString(); });
    daemon.stderr?.on('data', (chunk: Buffer) => { this.output += chunk.toString(); });
    this.daemon = daemon;
    return daemon;
  }

  /** What the present daemon wrote to stdout and stderr. */
  printed(): string {
    return this.output;
  }

  /** SIGKILL: what a power cut is to a process. */
  async kill(): Promise<void> {
    const daemon = this.daemon;
    if (daemon === null || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await exited;
  }

  async restartAfterKill(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Stops the daemon; with `keepServices` only it. */
  async shutdown(keepServices = false): Promise<number | null> {
    const daemon = this.daemon;
    if (daemon === null) return null;
    const exited = once(daemon, 'exit');
    await this.client.shutdown({ keepServices }).catch(() => undefined);
    const [code] = (await exited) as [number | null];
    return code;
  }

  /** Writes a source into a folder of its own in the home and registers it. Returns its folder. */
  async addSource(name: string, yaml: string): Promise<string> {
    const folder = this.writeSource(name, yaml);
    await this.client.addSource({ path: folder, name });
    return folder;
  }

  writeSource(name: string, yaml: string): string {
    const folder = join(this.home, 'projects', name);
    const file = join(folder, '.adi/hive.yaml');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, yaml);
    return folder;
  }

  /** The folder of a source that `addSource` made. */
  sourceFolder(name: string): string {
    return join(this.home, 'projects', name);
  }

  /** What a lost disk does: the daemon, which must be dead, forgets everything but what lives. */
  forgetState(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(this.home, `state.db${suffix}`), { force: true });
  }

  async service(fqn: string): Promise<Service> {
    return this.client.getService({ fqn });
  }

  /** Resolves with the service once `condition` holds of it. */
  async serviceWhen(fqn: string, condition: (service: Service) => boolean, withinMs = 20_000): Promise<Service> {
    let last: Service | null = null;
    return until(async () => {
      last = await this.service(fqn);
      return condition(last) ? last : undefined;
    }, `${fqn} to be as the test wants it`, withinMs).catch((error: Error) => {
      throw new Error(`${error.message} It is: ${JSON.stringify(last)}`, { cause: error });
    });
  }

  daemonLog(): string {
    return readFileSync(join(this.home, 'hived.log'), 'utf8');
  }

  /** How long the present daemon took from its start until it was ready, by its own log. */
  readyAfterMs(): number {
    const lines = this.daemonLog().split('\n').filter((line) => line.includes('"msg":"Ready."'));
    return (JSON.parse(lines.at(-1) ?? '{}') as { tookMs: number }).tookMs;
  }

  /** Takes everything down, also services of a daemon that is dead, and removes the home. */
  async end(): Promise<void> {
    try {
      if (this.daemon === null || this.daemon.exitCode !== null || this.daemon.signalCode !== null) await this.start();
      const code = await this.shutdown();
      const left = [...servicesInProc(this.home).pids.values()];
      for (const pid of left) process.kill(pid, 'SIGKILL');
      if (left.length > 0) throw new Error(`The daemon exited with ${code} and left ${left.length} services: ${this.output} ${this.daemonLog().slice(-3000)}`);
    } finally {
      await this.kill();
      for (const cleanup of this.cleanups) cleanup();
      rmSync(this.home, { recursive: true, force: true });
    }
  }
}
