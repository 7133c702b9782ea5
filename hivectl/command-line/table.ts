import { command, type Command } from './command.js';
import { backupCommands } from './backup-table.js';
import { configCommands, daemonCommands, systemdCommands } from './daemon-table.js';
import { pluginCommands, serviceCommands, sourceCommands } from './managing-table.js';
import { waiting } from './waiting-options.js';

const servicesOrSources = { service: { kind: 'service', many: true, required: true, describe: 'names, or source:* for all of a source' } } as const;
const services = { service: { kind: 'service', many: true, describe: 'names, or source:* for all of a source' } } as const;
const service = { service: { kind: 'service', required: true, describe: 'a name' } } as const;

/** Every command. Parsing, help, completion and docs/hivectl.md derive from it; code is loaded by the one that runs. */
export const commands: readonly Command[] = [
  command({
    name: 'up', positionals: services, options: waiting,
    describe: "start the folder's services, and the daemon if needed, and wait until they are healthy",
    run: async (context, args) => (await import('../commands/up.js')).up(context, args),
  }),
  command({
    name: 'down', positionals: services, options: { ...waiting, all: { type: 'boolean', describe: 'every source' } },
    describe: "stop the folder's services",
    run: async (context, args) => (await import('../commands/down.js')).down(context, args),
  }),
  command({
    name: 'start', positionals: servicesOrSources, options: waiting, describe: 'want services up',
    run: async (context, args) => (await import('../commands/start.js')).start(context, args),
  }),
  command({
    name: 'stop', positionals: servicesOrSources, options: waiting, describe: 'want services down',
    run: async (context, args) => (await import('../commands/stop.js')).stop(context, args),
  }),
  command({
    name: 'restart', positionals: servicesOrSources, options: waiting, describe: 'stop and start services',
    run: async (context, args) => (await import('../commands/restart.js')).restart(context, args),
  }),
  command({
    name: 'deploy', positionals: servicesOrSources, options: waiting,
    describe: 'roll services out by their strategy, and show the steps',
    run: async (context, args) => (await import('../commands/deploy.js')).deploy(context, args),
  }),
  command({
    name: 'scale', positionals: { ...service, instances: { kind: 'text', required: true, describe: 'how many' } }, options: waiting,
    describe: 'want that many instances of a service',
    run: async (context, args) => (await import('../commands/scale.js')).scale(context, args),
  }),
  command({
    name: 'status', aliases: ['ps'], positionals: services, options: { all: { type: 'boolean', alias: 'a', describe: "of every source, not only the folder's" } },
    describe: 'one row a service: state, health, ports, usage, and why',
    run: async (context, args) => (await import('../commands/status.js')).status(context, args),
  }),
  command({
    name: 'logs', positionals: services,
    options: {
      follow: { type: 'boolean', alias: 'f', describe: 'go on with what comes' },
      tail: { type: 'number', alias: 'n', default: 100, describe: 'how many of the last lines' },
      since: { type: 'string', describe: 'only what is newer: 5m, or a time' },
      level: { type: 'string', choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'], describe: 'this level and above' },
      stream: { type: 'string', choices: ['stdout', 'stderr', 'hook'], describe: 'only one of them' },
      timestamps: { type: 'boolean', alias: 't', describe: 'when each line was written' },
    },
    describe: 'what services wrote',
    run: async (context, args) => (await import('../commands/logs.js')).logs(context, args),
  }),
  command({
    name: 'events', positionals: services,
    options: {
      follow: { type: 'boolean', alias: 'f', describe: 'go on with what comes' },
      since: { type: 'string', describe: 'only what is newer: 5m, a time, or the number of an event' },
      type: { type: 'string', many: true, describe: 'only these types: service.crashed, or service.*' },
      tail: { type: 'number', alias: 'n', default: 50, describe: 'how many of the last events' },
    },
    describe: 'what happened, and because of what',
    run: async (context, args) => (await import('../commands/events.js')).events(context, args),
  }),
  command({
    name: 'why', positionals: service, describe: 'the chain of causes behind the present state of a service',
    run: async (context, args) => (await import('../commands/why.js')).why(context, args),
  }),
  command({
    name: 'stats', positionals: services, describe: 'processor, memory, files and threads of each instance',
    run: async (context, args) => (await import('../commands/stats.js')).stats(context, args),
  }),
  command({
    name: 'top', describe: 'a live table: sort, filter, restart, stop, open logs',
    run: async (context) => (await import('../commands/top.js')).top(context),
  }),
  command({
    name: 'wait', positionals: service,
    options: {
      for: { type: 'string', choices: ['healthy', 'running', 'stopped', 'completed', 'deployed'], default: 'healthy', describe: 'the state to wait for' },
      timeout: waiting.timeout,
    },
    describe: 'wait until a service has reached a state',
    run: async (context, args) => (await import('../commands/wait.js')).wait(context, args),
  }),
  command({
    name: 'routes', describe: 'what the proxy serves, and from where',
    run: async (context) => (await import('../commands/routes.js')).routes(context),
  }),
  command({
    name: 'exposed', describe: 'what services share with other sources, and who uses it',
    run: async (context) => (await import('../commands/exposed.js')).exposed(context),
  }),
  sourceCommands,
  serviceCommands,
  pluginCommands,
  daemonCommands,
  systemdCommands,
  configCommands,
  backupCommands,
  command({
    name: 'doctor', describe: 'look for what is wrong, with the command that mends it',
    run: async (context) => (await import('../commands/doctor.js')).doctor(context),
  }),
  command({
    name: 'completion', positionals: { shell: { kind: 'shell', required: true, choices: ['bash', 'zsh', 'fish'], describe: 'the shell to print it for' } },
    describe: 'a script that completes commands and names: source <(hivectl completion bash)',
    run: async (context, args) => (await import('../commands/completion.js')).completion(context, args),
  }),
];
