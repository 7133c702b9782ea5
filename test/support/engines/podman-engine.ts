import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ping } from '../../../daemon/runner/docker/engine-connection.js';
import { containersSeen, type ContainerSeen } from './containers-seen.js';
import { engineImage, type TestEngine } from './engine.js';
import { makeRootFolder } from './root-folder.js';

/** What Podman needs on a machine without systemd and with few rights for its containers. */
const settings = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 1
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
`;

/** `podman system service` with storage and socket of its own. */
export class PodmanEngine implements TestEngine {
  readonly type = 'podman';
  readonly image = engineImage;
  private readonly folder = mkdtempSync(join(tmpdir(), 'hive-podman-'));
  readonly socket = join(this.folder, 'podman.sock');
  private process: ChildProcess | null = null;

  static async start(): Promise<PodmanEngine> {
    const engine = new PodmanEngine();
    writeFileSync(join(engine.folder, 'containers.conf'), settings);
    await engine.restart();
    const archive = join(engine.folder, 'image.tar');
    execFileSync('tar', ['-C', makeRootFolder(engine.folder), '-cf', archive, '.']);
    engine.podman('import', '--quiet', archive, `docker.io/${engineImage}`);
    return engine;
  }

  async restart(): Promise<void> {
    rmSync(this.socket, { force: true });
    const log = openSync(join(this.folder, 'log'), 'a');
    this.process = spawn('podman', [...this.storage(), 'system', 'service', '-t', '0', `unix://${this.socket}`], { stdio: ['ignore', log, log], detached: true, env: this.environment() });
    closeSync(log);
    for (const began = performance.now(); ; await sleep(30)) {
      if (await ping(this.socket).then(() => true, () => false)) return;
      if (performance.now() - began > 30_000) throw new Error(`podman did not come up: ${readFileSync(join(this.folder, 'log'), 'utf8').slice(-2_000)}`);
    }
  }

  async kill(): Promise<void> {
    await this.ended('SIGKILL');
  }

  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  /** What `podman` prints for these words. */
  podman(...words: string[]): string {
    return execFileSync('podman', [...this.storage(), ...words], { encoding: 'utf8', env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }

  /** All containers, as the engine shows them to anybody. */
  inspectAll(): ContainerSeen[] {
    const ids = this.podman('ps', '-aq').split('\n').filter((id) => id !== '');
    return ids.length === 0 ? [] : containersSeen(() => this.podman('inspect', ...ids));
  }

  async end(): Promise<void> {
    this.thaw();
    try {
      this.podman('rm', '--all', '--force', '--time', '0', '--volumes');
    } finally {
      await this.ended('SIGTERM');
      execFileSync('/bin/sh', ['-c', 'grep -o " $0/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l', this.folder]);
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  private storage(): string[] {
    return ['--root', join(this.folder, 'root'), '--runroot', join(this.folder, 'run'), '--tmpdir', join(this.folder, 'tmp')];
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, CONTAINERS_CONF: join(this.folder, 'containers.conf') };
  }

  private async ended(signal: NodeJS.Signals): Promise<void> {
    const { process: engine } = this;
    if (engine === null || engine.exitCode !== null || engine.signalCode !== null) return;
    const exited = once(engine, 'exit');
    engine.kill(signal);
    await exited;
  }
}
