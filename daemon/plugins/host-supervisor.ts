import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';

export interface HostPlace {
  readonly home: string;
  readonly socket: string;
  readonly warn: (sentence: string) => void;
}

/** Keeps a young heap small: the host has next to nothing to do. */
const nodeOptions = ['--max-semi-space-size=1', '--v8-pool-size=1', '--optimize-for-size'];
const firstDelayMs = 100;
const longestDelayMs = 5_000;
/** A host that lived this long is started again at once when it dies. */
const steadyAfterMs = 10_000;
const largestLog = 2 * 1024 * 1024;

/** Starts the plugin host and starts it again whenever it dies, until told to stop. */
export class HostSupervisor {
  #child: ChildProcess | null = null;
  #token = '';
  #quickDeaths = 0;
  #isStopping = false;
  #restart: NodeJS.Timeout | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor(private readonly place: HostPlace) {}

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Whether this is the secret of the host that runs now. */
  isToken(token: unknown): boolean {
    return this.#token !== '' && token === this.#token;
  }

  start(): void {
    this.#token = randomBytes(32).toString('hex');
    const startedAt = performance.now();
    const log = this.#openLog();
    const root = packageRoot();
    const child = this.#child = spawn(process.execPath, [...nodeOptions, join(root, 'dist', 'plugin-host', 'main.js')], {
      cwd: '/',
      env: {
        ...process.env,
        HIVE_HOME: this.place.home,
        HIVE_SOCKET: this.place.socket,
        HIVE_HOST_TOKEN: this.#token,
        HIVE_SHIPPED_PLUGINS: process.env['HIVE_SHIPPED_PLUGINS'] ?? join(root, 'plugins'),
        // glibc gives every thread an arena of its own, which costs memory and gains nothing here.
        MALLOC_ARENA_MAX: '1',
        // Were the daemon itself started by some plugin, its host would take itself for a leftover.
        HIVE_PLUGIN_RUN: undefined,
      },
      // In a session of its own, so that Ctrl-C on a daemon in a terminal leaves the order of ending to the daemon.
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#exited = new Promise((resolve) => {
      const over = (how: string): void => {
        if (this.#child !== child) return;
        this.#child = null;
        resolve();
        this.#ended(how, performance.now() - startedAt);
      };
      child.once('error', (error) => over(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => over(signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
    });
  }

  /** It does not answer any more. What it watches lives on, and its successor takes it over. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** The host has been told to end, or its connection is gone: waits for it to exit and sees to it that it does. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    if (this.#child === null) return;
    const timer = setTimeout(() => this.kill(), withinMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #ended(how: string, livedForMs: number): void {
    if (this.#isStopping) return;
    this.#quickDeaths = livedForMs >= steadyAfterMs ? 0 : this.#quickDeaths + 1;
    const delay = this.#quickDeaths === 0 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (this.#quickDeaths - 1));
    this.place.warn(`The plugin host ${how} and is started again in ${delay} ms; plugins live on meanwhile.`);
    this.#restart = setTimeout(() => this.start(), delay);
  }

  #openLog(): number {
    const folder = join(this.place.home, 'logs', '.plugins');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, 'host.log');
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLog) renameSync(path, `${path}.1`);
    return openSync(path, 'a', 0o600);
  }
}
