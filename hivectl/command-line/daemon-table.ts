import { command, group } from './command.js';

const keepServices = { 'keep-services': { type: 'boolean', describe: 'leave services running; the next daemon takes them over' } } as const;
const loadDaemon = () => import('../commands/daemon.js');
const loadConfig = () => import('../commands/config.js');

export const daemonCommands = group('daemon', 'the process that supervises', [
  command({
    name: 'start', describe: 'start it, unless it runs', options: { foreground: { type: 'boolean', describe: 'in this terminal, until Ctrl-C' } },
    run: async (context, args) => (await loadDaemon()).startDaemon(context, args),
  }),
  command({
    name: 'stop', describe: 'stop services, then it', options: { ...keepServices, timeout: { type: 'string', default: '2m', describe: 'how long to wait' } },
    run: async (context, args) => (await loadDaemon()).stopDaemon(context, args),
  }),
  command({
    name: 'restart', describe: 'stop and start it', options: { ...keepServices, timeout: { type: 'string', default: '2m', describe: 'how long to wait' } },
    run: async (context, args) => (await loadDaemon()).restartDaemon(context, args),
  }),
  command({ name: 'status', describe: 'what it is and looks after', run: async (context) => (await loadDaemon()).daemonStatus(context) }),
  command({
    name: 'logs', describe: 'what it wrote about itself',
    options: { follow: { type: 'boolean', alias: 'f', describe: 'go on with what comes' }, tail: { type: 'number', alias: 'n', default: 100, describe: 'how many of the last lines' } },
    run: async (context, args) => (await import('../commands/daemon-logs.js')).daemonLogs(context, args),
  }),
]);

export const configCommands = group('config', 'the format of hive.yaml', [
  command({
    name: 'validate', positionals: { path: { kind: 'file', describe: "a file or folder; default: the folder's project" } },
    describe: 'list the problems of a file; loads nothing, needs no daemon',
    run: async (context, args) => (await loadConfig()).validateConfig(context, args),
  }),
  command({
    name: 'show', positionals: { service: { kind: 'service', many: true, describe: "names; default: all of the folder's source" } },
    describe: 'what the daemon knows services by, secrets masked',
    run: async (context, args) => (await loadConfig()).showConfig(context, args),
  }),
  command({
    name: 'export', positionals: { source: { kind: 'source', describe: "default: the folder's source" } },
    describe: 'a source as a hive.yaml, secrets masked',
    run: async (context, args) => (await loadConfig()).exportConfig(context, args),
  }),
  command({ name: 'schema', describe: 'the JSON Schema of hive.yaml, for editors', run: async (context) => (await loadConfig()).printSchema(context) }),
]);

const user = { user: { type: 'boolean', describe: 'a daemon of your own instead of one for the machine' } } as const;
const loadSystemd = () => import('../commands/systemd.js');

export const systemdCommands = group('systemd', 'the daemon as a unit of systemd', [
  command({
    name: 'install', options: user, describe: 'write the unit, enable and start it; takes over what runs',
    run: async (context, args) => (await loadSystemd()).installUnit(context, args),
  }),
  command({
    name: 'uninstall', options: user, describe: 'stop, disable and remove the unit; services run on',
    run: async (context, args) => (await loadSystemd()).uninstallUnit(context, args),
  }),
  command({ name: 'print', options: user, describe: 'show the unit that install would write', run: async (context, args) => (await loadSystemd()).printUnit(context, args) }),
]);
