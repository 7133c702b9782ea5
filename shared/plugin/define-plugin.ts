import type { CorePlugin } from './core-plugin.js';

/** What a plugin cannot leave out: who it is. */
export type PluginDefinition = Pick<CorePlugin, 'name' | 'version'> & Partial<CorePlugin>;

/**
 * Makes a plugin of its parts. One without `onEvent` subscribes to nothing. Methods may use `this`.
 * `await runPlugin(definePlugin({...}))` is a whole plugin.
 */
export function definePlugin(definition: PluginDefinition): CorePlugin {
  const plugin = Object.create(definition) as CorePlugin;
  if (definition.onEvent === undefined && definition.events === undefined && definition.onSnapshot === undefined) {
    Object.defineProperty(plugin, 'events', { value: [] });
  }
  for (const method of ['init', 'onEvent', 'shutdown'] as const) {
    if (definition[method] === undefined) Object.defineProperty(plugin, method, { value: () => undefined });
  }
  return plugin;
}
