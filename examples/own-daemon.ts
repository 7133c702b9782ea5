import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonClient } from '../shared/client/index.js';
import { packageRoot } from '../shared/package-root.js';

/** A daemon with a home of its own in the temporary folder, so that it stands beside any Hive that runs. */
export class OwnDaemon {
  readonly home = mkdtempSync(join(tmpdir(), 'hive-'));
  /** Of the daemon that runs now. */
  client!: DaemonClient;
  private process: ChildProcess | null = null;

  /** Resolves when it can be talked to; rejects when it ends instead. */
  async start(environment: Record<string, string> = {}): Promise<void> {
    const hived = (this.process = spawn(process.execPath, [join(packageRoot(), 'dist/daemon/main.js'), '--home', this.home], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, HIVE_HOME: this.home, ...environment },
      // A group of its own: Ctrl-C reaches this program alone, which then asks the daemon to stop in order.
      detached: true,
    }));
    for (;;) {
      try {
        this.client = await DaemonClient.connect({ home: this.home });
        return;
      } catch (error) {
        if (hasEnded(hived)) throw error;
        await delay(50);
      }
    }
  }

  /** Resolves when it has ended, by itself or not. */
  async ended(): Promise<void> {
    if (this.process !== null && !hasEnded(this.process)) await once(this.process, 'exit');
  }

  async kill(): Promise<void> {
    const ended = this.ended();
    this.process?.kill('SIGKILL');
    await ended;
  }

  /** Stops its services and it, and removes its home. */
  async stop(): Promise<void> {
    if (this.process !== null && !hasEnded(this.process)) {
      await this.client.shutdown({}).catch(() => this.process?.kill('SIGTERM'));
      await this.ended();
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
