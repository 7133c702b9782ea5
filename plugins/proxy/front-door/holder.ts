import { spawn, type StdioOptions } from 'node:child_process';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
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
 * when it had lived for less than one.
 */
const script = `
count=$1; shift
uptime() { read -r now rest < /proc/uptime; now=\${now%%.*}; }
keep() {
  export ${workerVariable}="$1"; shift
  while :; do
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

/** The descriptor of the first listening socket in a worker. */
const firstDescriptor = 3;

/** A small young generation: it is scavenged more often, and each time in less than a millisecond. */
const workerFlags = ['--max-semi-space-size=2', '--v8-pool-size=1'];

/** Starts the shell with listening sockets in its hands. It lives on when this process ends. */
export function startHolder(setup: Setup, folder: string, listeners: readonly Server[]): void {
  const worker: WorkerSetup = {
    folder, setup: nameOfSetup(setup), descriptors: listeners.map((_, index) => firstDescriptor + index), accessLog: setup.accessLog, drainLimitMs: setup.drainLimitMs,
  };
  const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', ...listeners.map(descriptorOf)];
  const child = spawn('/bin/sh', ['-c', script, 'hive-proxy', String(setup.workers), process.execPath, ...workerFlags, join(import.meta.dirname, 'worker.js')], {
    detached: true, stdio, cwd: folder, env: { PATH: process.env['PATH'] ?? '', [setupVariable]: JSON.stringify(worker) },
  });
  child.on('error', () => {});
  child.unref();
}

/** Node tells the descriptor of a listening socket only here. */
function descriptorOf(listener: Server): number {
  const descriptor = (listener as Server & { _handle?: { fd?: number } })._handle?.fd;
  if (descriptor === undefined || descriptor < 0) throw new HiveError('INTERNAL', 'A listening socket has no descriptor.');
  return descriptor;
}
