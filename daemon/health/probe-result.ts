/**
 * What one look at a service found. `detail` is for the operator.
 * `inconclusive`: the look itself failed for a reason that lies with Hive or the machine; it says nothing of the service.
 */
export type ProbeResult =
  | { readonly kind: 'passed'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'timed-out'; readonly detail: string }
  | { readonly kind: 'inconclusive'; readonly detail: string };

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `500 ms`, `5 s`, `1.5 s`. */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

/** One printable line of at most `length` characters. */
export function shorten(text: string, length: number): string {
  const printable = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const characters = [...printable];
  return characters.length <= length ? printable : `${characters.slice(0, length - 1).join('')}…`;
}
