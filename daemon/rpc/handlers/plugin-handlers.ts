import type { Session } from '../session.js';
import type { PluginSystem } from '../../plugins/plugin-system.js';
import type { Handlers } from '../dispatch.js';

type PluginMethods = Extract<keyof Handlers, `plugins.${string}`>;

export function pluginHandlers(plugins: PluginSystem<Session>): Pick<Handlers, PluginMethods> {
  return {
    'plugins.list': () => ({ plugins: plugins.list() }),
    'plugins.get': ({ plugin }) => plugins.get(plugin),
    'plugins.enable': ({ plugin }, { requested }) => plugins.enable(plugin, requested),
    'plugins.disable': ({ plugin }, { requested }) => plugins.disable(plugin, requested),
    'plugins.restart': ({ plugin }, { requested }) => plugins.restart(plugin, requested),
    'plugins.reload': (_params, { requested }) => plugins.reload(requested),
    'plugins.call': ({ plugin, method, params }, { context }) => plugins.call(plugin, method, params, { signal: context.signal, progress: (value) => context.progress(value) }),
  };
}
