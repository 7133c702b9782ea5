/** The entry point `./plugin`: everything that a plugin in JavaScript or TypeScript needs (docs/writing-plugins.md). */
export { definePlugin, type PluginDefinition } from './define-plugin.js';
export { runPlugin } from './run-plugin.js';
export { CorePluginRegistry, type RegistryOptions } from './core-plugin-registry.js';
export type { CallContext, CorePlugin, EventPattern, LogLevel, PluginContext, ShutdownReason, Snapshot } from './core-plugin.js';
export { DaemonClient, HiveError, type HiveEvent, type EventType, type ErrorCode } from '../client/index.js';
