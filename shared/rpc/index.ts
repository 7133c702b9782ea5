export { connectRpc, RpcConnection, type CallOptions, type RpcOptions, type RpcStats } from './connection.js';
export { assertSocketPath, dialRpc, dialSocket, listenRpc, type DialOptions, type ListenOptions, type RpcServer } from './unix-socket.js';
export { RawJson } from './raw-json.js';
export type { CloseKind, CloseReason } from './close-reason.js';
export type { RequestContext } from './running-request.js';
export { defaultLimits, type RpcLimits } from './limits.js';
export { methodNotFound } from './wire-errors.js';
