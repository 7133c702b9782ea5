import { command, group } from './command.js';
import { waiting } from './waiting-options.js';

const source = { source: { kind: 'source', required: true, describe: 'the name of a source' } } as const;
const service = { service: { kind: 'service', required: true, describe: 'a name' } } as const;
const plugin = { plugin: { kind: 'plugin', required: true, describe: 'the id of a plugin' } } as const;
const load = () => import('../commands/source.js');
const loadService = () => import('../commands/service.js');
const loadPlugin = () => import('../commands/plugin.js');

export const sourceCommands = group('source', 'where services are described', [
  command({ name: 'list', aliases: ['ls'], describe: 'all sources and their problems', run: async (context) => (await load()).listSources(context) }),
  command({
    name: 'add', describe: 'register a folder or a database',
    positionals: { path: { kind: 'file', describe: "default: the folder's project" } },
    options: { name: { type: 'string', describe: 'its name; default: that of the folder' } },
    run: async (context, args) => (await load()).addSource(context, args),
  }),
  command({ name: 'remove', aliases: ['rm'], positionals: source, describe: 'stop its services and forget it', run: async (context, args) => (await load()).removeSource(context, args) }),
  command({ name: 'reload', positionals: source, describe: 'read it again and apply what changed', run: async (context, args) => (await load()).reloadSource(context, args) }),
  command({ name: 'enable', positionals: source, describe: 'take it up again', run: async (context, args) => (await load()).enableSource(context, args) }),
  command({ name: 'disable', positionals: source, describe: 'stop its services and keep it registered', run: async (context, args) => (await load()).disableSource(context, args) }),
  command({ name: 'plan', positionals: source, describe: 'what a reload would change, and what each change costs', run: async (context, args) => (await load()).planSource(context, args) }),
]);

export const serviceCommands = group('service', 'services of SQLite sources', [
  command({
    name: 'create', describe: 'add a service',
    positionals: { service: { kind: 'text', required: true, describe: 'source:name' }, file: { kind: 'file', required: true, describe: 'JSON or YAML; - for standard input' } },
    run: async (context, args) => (await loadService()).createService(context, args),
  }),
  command({
    name: 'update', describe: 'change a service by a JSON merge patch',
    positionals: { ...service, file: { kind: 'file', required: true, describe: 'JSON or YAML; - for standard input' } },
    options: { 'if-revision': { type: 'number', describe: 'only when this is still its revision' } },
    run: async (context, args) => (await loadService()).updateService(context, args),
  }),
  command({ name: 'delete', aliases: ['rm'], positionals: service, describe: 'stop a service and remove it', run: async (context, args) => (await loadService()).deleteService(context, args) }),
  command({ name: 'config', positionals: service, describe: 'its configuration as written, secrets masked', run: async (context, args) => (await loadService()).showServiceConfig(context, args) }),
  command({ name: 'revisions', positionals: service, describe: 'its revisions, newest first', run: async (context, args) => (await loadService()).listRevisions(context, args) }),
  command({
    name: 'rollback', describe: 'make an earlier revision the present one, and show how it is deployed',
    positionals: { ...service, revision: { kind: 'text', describe: 'the number of the revision; without one, the revision before the present one' } },
    options: waiting,
    run: async (context, args) => (await loadService()).rollbackService(context, args),
  }),
]);

export const pluginCommands = group('plugin', 'what extends the daemon', [
  command({ name: 'list', aliases: ['ls'], describe: 'every plugin, running or not', run: async (context) => (await loadPlugin()).listPlugins(context) }),
  command({ name: 'info', positionals: plugin, describe: 'everything about one plugin', run: async (context, args) => (await loadPlugin()).showPlugin(context, args) }),
  command({ name: 'enable', positionals: plugin, describe: 'let it run', run: async (context, args) => (await loadPlugin()).enablePlugin(context, args) }),
  command({ name: 'disable', positionals: plugin, describe: 'stop it and keep it off', run: async (context, args) => (await loadPlugin()).disablePlugin(context, args) }),
  command({ name: 'restart', positionals: plugin, describe: 'restart it, out of quarantine too', run: async (context, args) => (await loadPlugin()).restartPlugin(context, args) }),
  command({ name: 'reload', describe: 'look at the plugins folder again', run: async (context) => (await loadPlugin()).reloadPlugins(context) }),
  command({
    name: 'logs', positionals: plugin, describe: 'what it wrote',
    options: { follow: { type: 'boolean', alias: 'f', describe: 'go on with what comes' }, tail: { type: 'number', alias: 'n', default: 100, describe: 'how many of the last lines' } },
    run: async (context, args) => (await loadPlugin()).pluginLogs(context, args),
  }),
  command({
    name: 'call', describe: 'ask a plugin something; prints its answer as JSON',
    positionals: { ...plugin, method: { kind: 'text', required: true, describe: 'a method of the plugin' }, params: { kind: 'text', describe: 'its parameters as JSON, or one word' } },
    options: { timeout: { type: 'string', default: '30s', describe: 'how long to wait for the answer' } },
    run: async (context, args) => (await loadPlugin()).callPlugin(context, args),
  }),
]);
