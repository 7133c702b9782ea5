import { readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { RouteTable } from '../routes/route-table.js';
import { ProxyServer } from '../proxy-server.js';
import { onLines, sendLine, type ControlMessage, type ControlRequest } from './control-messages.js';
import { controlSocketName, firstDescriptor, setupVariable, tableFileOf, workerVariable, type WorkerSetup } from './setup.js';

/*
 * One process that serves requests. The plugin speaks with it through a socket in its folder, and may come and go: the
 * worker serves on by the table that it has, and a worker that is started without a plugin takes the last one from a file.
 */
const { folder, setup, sockets, accessLog, drainLimitMs } = JSON.parse(process.env[setupVariable] ?? '') as WorkerSetup;
const descriptors = sockets.map((_, index) => firstDescriptor + index);
// Its working directory is the folder: a path of its own could be too long for a socket.
const path = controlSocketName(setup, Number(process.env[workerVariable]));
const lookMs = 5_000;

const plugins = new Set<Socket>();
const proxy = new ProxyServer({
  drainLimitMs,
  ...(accessLog === null ? {} : { accessLog: { path: accessLog } }),
  onDrained: (endpoint) => {
    for (const plugin of plugins) sendLine(plugin, { type: 'drained', endpoint });
  },
});
let listening: Promise<unknown> | null = null;
let isRetired = false;

/** Connections wait in the kernel until there is a table to serve them by. */
async function apply(table: RouteTable): Promise<ControlMessage> {
  const applied = proxy.apply(table);
  if (!applied.ok) return { type: 'refused', version: table.version, reason: applied.reason };
  if (!isRetired) await (listening ??= Promise.all(descriptors.map((fd) => proxy.listen({ fd }))));
  return { type: 'applied', version: table.version, draining: proxy.draining };
}

function lastTable(): RouteTable | null {
  try {
    return JSON.parse(readFileSync(tableFileOf(folder), 'utf8')) as RouteTable;
  } catch {
    // There is none yet: the plugin is about to send one.
    return null;
  }
}

async function end(limitMs: number, idle: 'close' | 'keep'): Promise<void> {
  isRetired = true;
  await proxy.stop(limitMs, idle);
  clearInterval(looking);
  // Takes the socket away, too.
  control.close();
  process.exit(0);
}

/** Nobody is to start it again, nor to hold sockets at which nobody accepts any more. */
async function retire(limitMs: number): Promise<void> {
  const { endKeeper } = await import('./holder.js');
  endKeeper(process.ppid);
  await end(limitMs, 'keep');
}

async function answer(request: ControlRequest): Promise<ControlMessage> {
  switch (request.type) {
    case 'apply': return apply(request.table);
    case 'figures': return { type: 'figures', figures: proxy.figures };
    case 'handOver': {
      const { runWithSockets } = await import('./run-with-sockets.js');
      return { type: 'handedOver', output: await runWithSockets(request.program, request.environment, descriptors) };
    }
    case 'retire':
      void retire(request.limitMs);
      return { type: 'stopping' };
    case 'stop':
      void end(request.limitMs, 'close');
      return { type: 'stopping' };
  }
}

const table = lastTable();
if (table !== null) await apply(table);

// A worker that was killed has left its socket behind.
rmSync(path, { force: true });
const control = createServer((plugin) => {
  plugins.add(plugin);
  plugin.on('close', () => plugins.delete(plugin));
  sendLine(plugin, { type: 'hello', pid: process.pid, setup, version: proxy.version, draining: proxy.draining, sockets, isRetired });
  let answered = Promise.resolve();
  onLines<ControlRequest>(plugin, (request) => {
    answered = answered.then(async () => sendLine(plugin, await answer(request)));
  });
});
control.listen(path);

// Whoever removes the home of a Hive that is not running wants nothing of it left.
const looking = setInterval(() => {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) void end(0, 'close');
}, lookMs);
looking.unref();
