/** The name of the port that is meant when none is named: `http`, else the only one, else null. */
export function usualPortName(names: readonly string[]): string | null {
  if (names.includes('http')) return 'http';
  return names.length === 1 ? (names[0] ?? null) : null;
}
