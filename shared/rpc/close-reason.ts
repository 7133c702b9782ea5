/**
 * Why a connection ended:
 * - `closed-here`: `close()` was called on this side
 * - `peer-ended`: the peer closed its end, or its process died
 * - `socket-error`: the operating system reported an error on the socket
 * - `bad-frame`: what came is not a frame, or is larger than allowed; nothing after it can be trusted
 * - `stalled-frame`: a frame was begun and not finished in time
 * - `unread-output`: the peer does not read, and too much waits for it
 * - `notification-flood`: notifications came faster than their handler takes them
 */
export type CloseKind =
  | 'closed-here'
  | 'peer-ended'
  | 'socket-error'
  | 'bad-frame'
  | 'stalled-frame'
  | 'unread-output'
  | 'notification-flood';

/** `message` is a sentence without the connection's name, for logs and for the error of every pending call. */
export interface CloseReason {
  readonly kind: CloseKind;
  readonly message: string;
}
