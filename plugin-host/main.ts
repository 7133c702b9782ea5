import { join } from 'node:path';
import { toHiveError } from '../shared/errors/hive-error.js';
import type { ExpectRequest, HostCommand, HostHello, HostWelcome, Inventory, LinkReport, PluginReport } from '../shared/protocol/link.js';
import { timingsFrom } from '../shared/plugin/plugin-timings.js';
import { dialRpc, methodNotFound } from '../shared/rpc/index.js';
import { trimFile } from './captured-output.js';
import { PluginHost } from './plugin-host.js';
import { watchPluginsFolder } from './watch-plugins-folder.js';

/*
 * The plugin host: discovers, launches, watches and restarts plugins, and nothing else. Started by the daemon with
 * HIVE_SOCKET, HIVE_HOST_TOKEN, HIVE_HOME and HIVE_SHIPPED_PLUGINS. It stores nothing: it reports, and the daemon
 * remembers. When the daemon is gone, its plugins have lost their links: it sees to it that they end, and ends itself.
 */
const required = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The plugin host is started by the daemon; ${name} is not set.`);
  return value;
};

const home = required('HIVE_HOME');
const socketPath = required('HIVE_SOCKET');
const hostToken = required('HIVE_HOST_TOKEN');
const shippedFolder = required('HIVE_SHIPPED_PLUGINS');
const timings = timingsFrom(process.env);
const log = (message: string): void => console.error(`${new Date().toISOString()} ${message}`);

let host: PluginHost | undefined;

const connection = await dialRpc(socketPath, {
  name: 'the daemon',
  onRequest: (method, params) => {
    if (method === '$/ping') return {};
    if (method === 'host.command' && host !== undefined) return host.obey(params as HostCommand).then((result) => result ?? {});
    throw methodNotFound(method);
  },
  onNotification: (method, params) => {
    if (method === 'host.link') host?.heedLink(params as LinkReport);
  },
  onDefect: (error) => log(toHiveError(error).message),
});

/** Reports are sent in order and not waited for; one that cannot be sent means that the daemon is gone. */
const tell = (method: string, params: object): void => {
  connection.call(method, params).catch((thrown: unknown) => {
    if (!connection.isClosed) log(`${method} failed: ${toHiveError(thrown).message}`);
  });
};

const { plugins: remembered } = await connection.call<HostWelcome>('host.hello', { token: hostToken, pid: process.pid } satisfies HostHello);
const pluginsFolder = join(home, 'plugins');
const running = host = new PluginHost({
  home, socketPath, hostToken, shippedFolder, pluginsFolder, timings, log,
  logsFolder: join(home, 'logs'),
  pluginDataFolder: join(home, 'plugin-data'),
  report: (report: PluginReport) => tell('host.report', report),
  tellInventory: (inventory: Inventory) => tell('host.inventory', inventory),
  expect: (request: ExpectRequest) => connection.call('host.expect', request),
  askToShutDown: (plugin, run, again) => connection.call('host.close', { plugin, run, again }, { deadlineMs: timings.shutdownMs }),
}, remembered);

const stopWatching = watchPluginsFolder(pluginsFolder, () => running.lookAgain());
running.lookAgain();
setInterval(() => {
  running.inspect();
  trimFile(join(home, 'logs', '.plugins', 'host.log'));
}, timings.inspectMs);

const { message } = await connection.closed;
log(`The connection to the daemon ended (${message}); every plugin is ended.`);
stopWatching();
await running.close();
process.exit(0);
