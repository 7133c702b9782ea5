import { spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { identityOf } from '../../../shared/process/identity.js';
import { commandOf, readProcess } from '../../../shared/process/proc-table.js';
import { signalGroup, signalProcess } from '../../../shared/process/send-signal.js';
import type { ListenAddress } from './listen-address.js';
import { nameOfSetup, setupVariable, workerVariable, type Setup, type WorkerSetup } from './setup.js';

/*
 * Who holds the listening sockets: a shell, which does nothing else but start workers again. It takes about half a
 * megabyte, never handles a request, and there is nothing in it that could crash. Connections that come while a worker
 * is being replaced wait in the kernel's queue, because the socket they came to is still open here.
 *
 * It is in a session of its own and carries none of the plugin's marks, so that it outlives the plugin, the plugin host
 * and the daemon, as services do: requests are served while those are replaced.
 *
 * A worker that ends with 0 was told to. Any other end is an accident: it is started again at once, or after a second
 * when it had lived for less than one. When the folder is gone, so is the Hive that it belonged to, and everything ends.
 */
const script = `
folder=$1; count=$2; shift 2
uptime() { read -r now rest < /proc/uptime; now=\${now%%.*}; }
keep() {
  export ${workerVariable}="$1"; shift
  while [ -d "$folder" ]; do
    uptime; began=$now
    "$@" && exit 0
    uptime; [ $((now - began)) -ge 1 ] || sleep 1
  done
}
trap '' HUP
number=0
while [ $number -lt $count ]; do
  keep $number "$@" &
  number=$((number + 1))
done
wait
`;

/** A small young generation: it is scavenged more often, and each time in less than a millisecond. */
const workerFlags = ['--max-semi-space-size=2', '--v8-pool-size=1'];
const holderName = 'hive-proxy';

/**
 * Starts the shell with listening sockets in its hands; they are for `sockets`, in the same order. It lives on when this
 * process ends. Answers its pid.
 */
export function startHolder(setup: Setup, folder: string, sockets: readonly ListenAddress[], descriptors: readonly number[]): number {
  const worker: WorkerSetup = { folder, setup: nameOfSetup(setup), sockets, accessLog: setup.accessLog, drainLimitMs: setup.drainLimitMs };
  const child = spawn('/bin/sh', ['-c', script, holderName, folder, String(setup.workers), process.execPath, ...workerFlags, join(import.meta.dirname, 'worker.js')], {
    // Never the standard output: what is printed there may be an answer to somebody.
    detached: true, stdio: ['ignore', 2, 2, ...descriptors], cwd: folder, env: { PATH: process.env['PATH'] ?? '', [setupVariable]: JSON.stringify(worker) },
  });
  child.on('error', () => {});
  child.unref();
  return child.pid ?? 0;
}

/** Ends a front door none of whose workers came up: the shell, and everything that it has started. */
export function endHolder(pid: number): void {
  const holder = identityOf(pid);
  if (holder !== null) signalGroup(holder, 'SIGKILL');
}

/** Of a worker that is not to be started again: ends the part of the shell that would, and that holds its sockets. */
export function endKeeper(parent: number): void {
  const [keeper, row] = [identityOf(parent), readProcess(parent)];
  if (keeper !== null && row !== null && commandOf(row, 10_000).includes(` ${holderName} `)) signalProcess(keeper, 'SIGKILL');
}

/** Node tells the descriptor of a listening socket only here. */
export function descriptorOf(listener: Server | undefined): number {
  const { _handle: handle } = (listener ?? {}) as { _handle?: { fd?: number } };
  const descriptor = handle?.fd;
  if (descriptor === undefined || descriptor < 0) throw new HiveError('INTERNAL', 'A listening socket has no descriptor.');
  return descriptor;
}
