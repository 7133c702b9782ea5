/** Measures as the sentences of this plugin say them. */

/** `45s`, `5m`, `1.5h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 120_000) return `${rounded(ms / 1_000)}s`;
  return ms < 7_200_000 ? `${rounded(ms / 60_000)}m` : `${rounded(ms / 3_600_000)}h`;
}

/** A fraction of one core: `93%`. */
export function percent(fraction: number): string {
  return `${rounded(fraction * 100)}%`;
}

/** `412MB`. */
export function megabytes(bytes: number): string {
  return `${rounded(bytes / 2 ** 20)}MB`;
}

/** The second time in a sentence it need not be said what of. */
export function short(said: string): string {
  return said.replace(' of a core', '');
}

export function instances(count: number): string {
  return count === 1 ? '1 instance' : `${count} instances`;
}

function rounded(value: number): string {
  return String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}
