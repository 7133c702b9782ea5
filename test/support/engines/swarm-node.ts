import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ping } from '../../../daemon/runner/docker/engine-connection.js';
import { containersSeen, type ContainerSeen } from './containers-seen.js';
import { engineImage } from './engine.js';
import { makeRootFolder } from './root-folder.js';

/** The image as every node has it: nothing listens where it says it comes from, so that no node loses time looking for a newer one. */
export const swarmImage = `127.0.0.1:9/${engineImage}`;

/** What a node is plugged into. */
export interface Plug {
  readonly name: string;
  readonly address: string;
  /** A network namespace. */
  readonly namespace: string;
  /** The end of its cable that is on this machine. */
  readonly cable: string;
}

/** A dockerd with a network and a host name of its own: to its swarm, another machine. */
export class SwarmNode {
  readonly type = 'docker';
  private readonly folder = mkdtempSync(join(tmpdir(), 'hive-node-'));
  readonly socket = join(this.folder, 'docker.sock');
  private process: ChildProcess | null = null;

  private constructor(readonly plug: Plug) {}

  static async start(plug: Plug): Promise<SwarmNode> {
    const node = new SwarmNode(plug);
    const { folder, socket } = node;
    const log = openSync(join(folder, 'log'), 'a');
    node.process = spawn('nsenter', [
      `--net=/run/netns/${plug.namespace}`, 'unshare', '--uts', 'sh', '-c', 'hostname "$0"; exec "$@"', plug.name,
      'dockerd', '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '-H', `unix://${socket}`,
      '--iptables=false', '--ip6tables=false',
    ], { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    for (const began = performance.now(); !(await ping(socket).then(() => true, () => false)); await sleep(30)) {
      if (performance.now() - began > 30_000) throw new Error(`dockerd did not come up: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)}`);
    }
    execFileSync('/bin/sh', ['-c', 'tar -C "$0" -c . | docker -H "unix://$1" import - "$2"', makeRootFolder(folder), socket, swarmImage], { stdio: ['ignore', 'ignore', 'inherit'] });
    return node;
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

  /** SIGKILL to everything: engine, containers and what stands between them. */
  async killAll(): Promise<void> {
    const { process: engine } = this;
    if (engine !== null && engine.exitCode === null && engine.signalCode === null) {
      const exited = once(engine, 'exit');
      engine.kill('SIGKILL');
      await exited;
    }
    // Each pass may uncover children of what has just been killed.
    for (let ours = this.left(); ours.length > 0; ours = this.left()) {
      for (const pid of ours) try { process.kill(pid, 'SIGKILL'); } catch { /* It has gone by itself. */ }
      await sleep(20);
    }
  }

  /** After `killAll`: its folder goes, with what is mounted in it. */
  remove(): void {
    execFileSync('/bin/sh', ['-c', 'grep -o " $0/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l', this.folder]);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** The containerd of this engine, its shims, and what runs in the containers. */
  private left(): number[] {
    const all = processes();
    const ours = new Set(all.filter(({ words }) => words.includes(this.folder)).map(({ pid }) => pid));
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
    return [...ours];
  }
}

function processes(): { readonly pid: number; readonly parent: number; readonly words: string }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const [, state, parent] = /^\d+ \([^]*\) (\S) (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      return state === 'Z' || parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent), words: readFileSync(`/proc/${name}/cmdline`, 'latin1') }];
    } catch {
      return [];
    }
  });
}
