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

/** A dockerd with containerd, data, socket and bridge of its own, which leaves the machine's firewall alone. */
export class DockerEngine implements TestEngine {
  readonly type = 'docker';
  readonly image = engineImage;
  private readonly folder = mkdtempSync(join(tmpdir(), 'hive-docker-'));
  readonly socket = join(this.folder, 'docker.sock');
  /** Names of interfaces have 15 characters. */
  private readonly bridge = `hv${process.pid.toString(36)}${Math.random().toString(36).slice(2, 7)}`.slice(0, 15);
  /** Its bridge and its networks have addresses that other engines of a test run do not take. */
  private readonly subnet = 16 + Math.floor(Math.random() * 200);
  private process: ChildProcess | null = null;
  /** On machines with systemd it is a service of its own, which outlives a dockerd that is killed. */
  private containerd: ChildProcess | null = null;

  static async start(): Promise<DockerEngine> {
    const engine = new DockerEngine();
    execFileSync('ip', ['link', 'add', engine.bridge, 'type', 'bridge']);
    execFileSync('ip', ['address', 'add', `172.30.${engine.subnet}.1/24`, 'dev', engine.bridge]);
    execFileSync('ip', ['link', 'set', engine.bridge, 'up']);
    await engine.restart();
    execFileSync('/bin/sh', ['-c', 'tar -C "$0" -c . | docker -H "unix://$1" import - "$2"', makeRootFolder(engine.folder), engine.socket, engineImage], { stdio: ['ignore', 'ignore', 'inherit'] });
    return engine;
  }

  /** `liveRestore`: containers outlive it, as many an operator sets it up; by default it ends those that it finds. */
  async restart({ liveRestore = false } = {}): Promise<void> {
    const { folder, socket, bridge, subnet } = this;
    rmSync(join(folder, 'pid'), { force: true });
    const log = openSync(join(folder, 'log'), 'a');
    this.containerd ??= this.startContainerd(log);
    this.process = spawn('dockerd', [
      '--containerd', join(folder, 'containerd.sock'),
      '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '-H', `unix://${socket}`,
      '--bridge', bridge, '--default-address-pool', `base=192.168.${subnet}.0/24,size=28`, '--iptables=false', '--ip6tables=false', ...(liveRestore ? ['--live-restore'] : []),
    ], { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    for (const began = performance.now(); ; await sleep(30)) {
      if (await ping(socket).then(() => true, () => false)) return;
      if (performance.now() - began > 30_000) throw new Error(`dockerd did not come up: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)}`);
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

  /** What `docker` prints for these words. */
  docker(...words: string[]): string {
    return execFileSync('docker', ['-H', `unix://${this.socket}`, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }

  /** All containers, as the engine shows them to anybody. */
  inspectAll(): ContainerSeen[] {
    const ids = this.docker('ps', '-aq').split('\n').filter((id) => id !== '');
    return ids.length === 0 ? [] : containersSeen(() => this.docker('inspect', ...ids));
  }

  async end(): Promise<void> {
    this.thaw();
    try {
      if (this.process?.exitCode !== null || this.process.signalCode !== null) await this.restart();
      for (const began = performance.now(); performance.now() - began < 10_000; await sleep(50)) {
        const containers = this.docker('ps', '-aq').split('\n').filter((id) => id !== '');
        if (containers.length === 0) break;
        // One that is being removed already refuses, and goes.
        try { this.docker('rm', '-fv', ...containers); } catch { continue; }
      }
      const networks = this.docker('network', 'ls', '-q', '--filter', 'type=custom').split('\n').filter((id) => id !== '');
      if (networks.length > 0) this.docker('network', 'rm', ...networks);
    } finally {
      await this.ended('SIGTERM');
      await this.ended('SIGTERM', this.containerd);
      execFileSync('ip', ['link', 'delete', this.bridge]);
      execFileSync('/bin/sh', ['-c', 'grep -o " $0/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l', this.folder]);
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  private async ended(signal: NodeJS.Signals, engine = this.process): Promise<void> {
    if (engine === null || engine.exitCode !== null || engine.signalCode !== null) return;
    const exited = once(engine, 'exit');
    engine.kill(signal);
    await exited;
  }

  private startContainerd(log: number): ChildProcess {
    const { folder } = this;
    const file = join(folder, 'containerd.toml');
    writeFileSync(file, [
      'version = 2', `root = "${join(folder, 'containerd')}"`, `state = "${join(folder, 'containerd-state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]', '[grpc]', `address = "${join(folder, 'containerd.sock')}"`, '',
    ].join('\n'));
    return spawn('containerd', ['--config', file], { stdio: ['ignore', log, log], detached: true });
  }
}
