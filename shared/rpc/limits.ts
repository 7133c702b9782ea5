/**
 * What one connection may cost. Sizes are bytes as they travel (UTF-8), times milliseconds. The defaults leave room for
 * every honest use of Hive and keep what a broken or hostile peer can take to tens of megabytes.
 */
export interface RpcLimits {
  /** Largest body of one frame, in both directions. Default 8 MiB. */
  readonly maxFrameBytes: number;
  /** Largest header block of one frame. Default 4 KiB. */
  readonly maxHeaderBytes: number;
  /** Most header lines in one frame. Default 16. */
  readonly maxHeaders: number;
  /** Deepest nesting of arrays and objects in one message. Default 64. */
  readonly maxDepth: number;
  /** Longest method name and longest string id, in characters. Default 256. */
  readonly maxNameLength: number;
  /** A frame that was begun has to be complete after this time. Default 30 s. */
  readonly frameTimeoutMs: number;
  /** Requests of the peer that may run at the same time; more are answered with TOO_BUSY. Default 1,000. */
  readonly maxRunningRequests: number;
  /** Bytes of notifications that may wait for a slow handler; beyond it the connection is closed. Default 16 MiB. */
  readonly maxWaitingNotificationBytes: number;
  /** `writable` is false from here on, so that senders who can wait do. Default 1 MiB. */
  readonly pauseAtUnsentBytes: number;
  /** Output that the peer has not read; beyond it the connection is closed. Default 16 MiB. */
  readonly maxUnsentBytes: number;
  /** Frames handled before other connections get their turn. Default 64. */
  readonly framesPerTurn: number;
}

export const defaultLimits: RpcLimits = Object.freeze({
  maxFrameBytes: 8 * 1024 * 1024,
  maxHeaderBytes: 4096,
  maxHeaders: 16,
  maxDepth: 64,
  maxNameLength: 256,
  frameTimeoutMs: 30_000,
  maxRunningRequests: 1000,
  maxWaitingNotificationBytes: 16 * 1024 * 1024,
  pauseAtUnsentBytes: 1024 * 1024,
  maxUnsentBytes: 16 * 1024 * 1024,
  framesPerTurn: 64,
});
