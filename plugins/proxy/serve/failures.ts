/** Whom a request has waited for too long: for a backend to accept a connection or to answer, or for its client to read or to send. */
export type Late = 'connection' | 'service' | 'reader' | 'body';

export interface Waiting {
  /** Since a byte last moved, either way. */
  readonly silentMs: number;
  readonly timeoutMs: number;
  readonly connectMs: number;
  readonly unreadMs: number;
  readonly isConnecting: boolean;
  /** The client leaves what was sent to it unread. */
  readonly isUnread: boolean;
  /** The client has still to send a part of its request, and nothing keeps it from it. */
  readonly waitsForBody: boolean;
}

export function whatIsLate({ silentMs, timeoutMs, connectMs, unreadMs, isConnecting, isUnread, waitsForBody }: Waiting): Late | null {
  if (isConnecting) return silentMs > Math.min(connectMs, timeoutMs) ? 'connection' : null;
  if (isUnread) return silentMs > unreadMs ? 'reader' : null;
  if (silentMs <= timeoutMs) return null;
  return waitsForBody ? 'body' : 'service';
}

/** What happened to the connection to a service, as the beginning of a sentence. */
export function connectionFailure(wasConnected: boolean, error: NodeJS.ErrnoException | null): string {
  if (error === null) return 'The service closed the connection';
  const why = error.code ?? error.message;
  return wasConnected ? `The service broke the connection (${why})` : `The service could not be connected to (${why})`;
}
