import { readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { RouteTable } from '../routes/route-table.js';
import { ProxyServer } from '../proxy-server.js';
import { onLines, sendLine, type ControlMessage, type ControlRequest } from './control-messages.js';
import { controlSocketOf, setupVariable, tableFileOf, workerVariable, type WorkerSetup } from './setup.js';

/*
 * One process that serves requests. The plugin speaks with it through a socket in its folder, and may come and go: the
 * worker serves on by the table that it has, and a worker that is started without a plugin takes the last one from a file.
 */
const setup = JSON.parse(process.env[setupVariable] ?? '') as WorkerSetup;
const path = controlSocketOf(setup.folder, Number(process.env[workerVariable]));
const lookMs = 5_000;

const plugins = new Set<Socket>();
const proxy = new ProxyServer({
  drainLimitMs: setup.drainLimitMs,
  ...(setup.accessLog === null ? {} : { accessLog: { path: setup.accessLog } }),
  onDrained: (endpoint) => {
    for (const plugin of plugins) sendLine(plugin, { type: 'drained', endpoint });
  },
});
let listening: Promise<unknown> | null = null;
let isStopping = false;

/** Connections wait in the kernel until there is a table to serve them by. */
async function apply(table: RouteTable): Promise<ControlMessage> {
  const applied = proxy.apply(table);
  if (!applied.ok) return { type: 'refused', version: table.version, reason: applied.reason };
  await (listening ??= Promise.all(setup.descriptors.map((fd) => proxy.listen({ fd }))));
  return { type: 'applied', version: table.version, draining: proxy.draining };
}

function lastTable(): RouteTable | null {
  try {
    return JSON.parse(readFileSync(tableFileOf(setup.folder), 'utf8')) as RouteTable;
  } catch {
    // There is none yet: the plugin is about to send one.
    return null;
  }
}

async function stop(limitMs: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  clearInterval(looking);
  control.close();
  await proxy.stop(limitMs);
  process.exit(0);
}

async function answer(request: ControlRequest): Promise<ControlMessage> {
  switch (request.type) {
    case 'apply': return apply(request.table);
    case 'figures': return { type: 'figures', figures: proxy.figures };
    case 'stop':
      void stop(request.limitMs);
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
  sendLine(plugin, { type: 'hello', pid: process.pid, setup: setup.setup, version: proxy.version, draining: proxy.draining });
  let answered = Promise.resolve();
  onLines<ControlRequest>(plugin, (request) => {
    answered = answered.then(async () => sendLine(plugin, await answer(request)));
  });
});
control.listen(path);

// Whoever removes the home of a Hive that is not running wants nothing of it left.
const looking = setInterval(() => {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) void stop(0);
}, lookMs);
looking.unref();
