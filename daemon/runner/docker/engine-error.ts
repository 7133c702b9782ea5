import { HiveError } from '../../../shared/errors/index.js';

/** What an engine answers that is not 2xx. */
export function statusOf(error: unknown): number | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : null;
}

/** What an engine says went wrong, in its own words. */
export function saidBy(error: unknown): string {
  const { json, reason, message } = (error ?? {}) as { json?: { message?: string; cause?: string } | string | null; reason?: string; message?: string };
  // dockerode has no json of an answer that it expected to be a stream.
  const said = typeof json === 'object' ? json?.message ?? json?.cause : json;
  return (said ?? message?.replace(/^\(HTTP code \d+\) [^-]*- /, '') ?? reason ?? String(error)).trim().replace(/\.$/, '');
}

/** Nobody answered, or not in time: not an answer of the engine at all. */
export function isUnreachable(error: unknown): boolean {
  return statusOf(error) === null && !(error instanceof HiveError);
}

/** Whether the engine refused a port because somebody listens there already; the port where it names one. */
export function portTaken(said: string): string | null {
  return /(?:bind|listen|expose)[^]*?(?:[\d.\]]|::):(\d+)\b[^]*?(?:already allocated|already in use)/i.exec(said)?.[1] ?? /:(\d+): bind: address already in use/i.exec(said)?.[1] ?? null;
}
