/** The entry point `./client`: what hivectl, plugins and other programs use to speak with a daemon. */
export { DaemonClient, type ConnectOptions, type FollowedEvents } from './daemon-client.js';
export type { CallOptions, ClientMethods } from './client-methods.js';
export type { EventBatch, Listener, LogBatch, MetricsSample } from './subscriptions.js';
export { defaultHome, homePaths, type HomePaths } from '../home-paths.js';
export { HiveError } from '../errors/hive-error.js';
export type { ErrorCode } from '../errors/catalogue.js';
export type { Cause, EventType, HiveEvent } from '../protocol/events.js';
export type { MethodName, Params, Result } from '../protocol/methods.js';
export type * from '../protocol/results.js';
