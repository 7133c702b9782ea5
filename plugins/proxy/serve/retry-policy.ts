/** What of a request may have reached a backend that then failed before the first byte of an answer. */
export type Reached = 'nothing' | 'request' | 'part of a body';

const mostAttempts = 3;
/** RFC 9110, section 9.2.2: doing them twice is the same as doing them once. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export function isIdempotent(method: string): boolean {
  return idempotent.has(method);
}

/** Whether a request may be sent once more. What may have been acted upon already is repeated only where that does no harm. */
export function mayTryAgain(method: string, reached: Reached, attempts: number): boolean {
  if (attempts >= mostAttempts) return false;
  switch (reached) {
    case 'nothing': return true;
    case 'request': return isIdempotent(method);
    case 'part of a body': return false;
  }
}
