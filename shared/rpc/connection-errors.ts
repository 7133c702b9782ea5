import { HiveError } from '../errors/hive-error.js';
import type { CloseReason } from './close-reason.js';

/** The errors that a connection itself raises. `name` is whom it leads to. */

export function connectionClosed(name: string, reason: CloseReason): HiveError {
  return new HiveError('CONNECTION_CLOSED', `The connection to ${name} is closed: ${reason.message}`, {
    next: 'Connect again; whether a pending call took effect is not known.',
    data: { reason: reason.kind },
  });
}

export function callTimedOut(name: string, method: string, deadlineMs: number): HiveError {
  return new HiveError('TIMEOUT', `${method} was not answered by ${name} within ${deadlineMs} ms.`, {
    next: 'Try again, or give the call more time.',
    data: { method, deadlineMs },
  });
}

export function callCancelled(method: string): HiveError {
  return new HiveError('CANCELLED', `The call of ${method} was withdrawn.`, { data: { method } });
}

export function requestWithdrawn(name: string): HiveError {
  return new HiveError('CANCELLED', `The caller (${name}) withdrew the call.`);
}

export function tooBusy(most: number): HiveError {
  return new HiveError('TOO_BUSY', `${most} calls of this connection are running already.`, {
    next: 'Wait for answers before sending more.',
    data: { limit: most },
  });
}
