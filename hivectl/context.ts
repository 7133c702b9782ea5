import { DaemonClient } from '../shared/client/daemon-client.js';
import { homePaths, defaultHome, type HomePaths } from '../shared/home-paths.js';
import { interruptedExitCode, type ExitCode } from './exit-codes.js';
import type { GlobalOptions } from './command-line/global-options.js';
import { processTerminal, type Terminal } from './terminal.js';

/** A person waits for the answer: what takes longer says so itself. */
const deadlineMs = 10_000;

/** What a command works with: the daemon, the terminal and what the command line says about both. */
export class Context {
  readonly home: HomePaths;
  readonly socket: string;
  readonly terminal: Terminal;
  readonly cwd = process.cwd();
  #client: Promise<DaemonClient> | undefined;
  #onInterrupt: () => ExitCode = () => interruptedExitCode;

  constructor(readonly options: GlobalOptions) {
    this.home = homePaths(options.home ?? defaultHome());
    this.socket = options.socket ?? this.home.socket;
    this.terminal = processTerminal(options.color);
  }

  /** Connects when first asked. Fails with DAEMON_UNREACHABLE. */
  client(): Promise<DaemonClient> {
    this.#client ??= DaemonClient.connect({ socket: this.socket, defaultDeadlineMs: deadlineMs });
    return this.#client;
  }

  /** Forgets a connection that failed or ended, so that the next `client()` connects anew. */
  async disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    (await client?.catch(() => undefined))?.close();
  }

  /** Prints a result: with `--json` as it is, else as the lines that `render` makes of it. */
  show<Result>(result: Result, render: (result: Result) => readonly string[]): void {
    if (this.options.json) this.terminal.out(`${JSON.stringify(result, null, 2)}\n`);
    else this.print(render(result));
  }

  print(lines: readonly string[]): void {
    if (lines.length > 0) this.terminal.out(`${lines.join('\n')}\n`);
  }

  /** Says what was done; silent with `--quiet` and `--json`. */
  say(sentence: string): void {
    if (!this.options.quiet && !this.options.json) this.terminal.out(`${sentence}\n`);
  }

  /** A remark beside the result, on stderr; silent with `--quiet` and `--json`. */
  note(sentence: string): void {
    if (!this.options.quiet && !this.options.json) this.terminal.err(`${sentence}\n`);
  }

  /** What Ctrl-C does from now on: say something, and with which code to exit. */
  whenInterrupted(handler: () => ExitCode): void {
    this.#onInterrupt = handler;
  }

  interrupt(): ExitCode {
    return this.#onInterrupt();
  }
}
