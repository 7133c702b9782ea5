/** A message that is not exactly what HTTP/1.1 says. `status` is what a client gets; a backend's message becomes a 502. */
export class Malformed extends Error {
  constructor(readonly status: 400 | 405 | 417 | 431, reason: string) {
    super(reason);
  }
}
