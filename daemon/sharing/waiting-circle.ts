/** The way from `from` along `needs` that ends at `to`, both included; null: there is none. */
export function wayBetween(from: string, to: string, needs: (name: string) => readonly string[]): string[] | null {
  const cameFrom = new Map<string, string | null>([[from, null]]);
  const open = [from];
  for (const name of open) {
    if (name === to) return backFrom(name, cameFrom);
    for (const next of needs(name)) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      open.push(next);
    }
  }
  return null;
}

function backFrom(last: string, cameFrom: ReadonlyMap<string, string | null>): string[] {
  const way: string[] = [];
  for (let at: string | null = last; at !== null; at = cameFrom.get(at) ?? null) way.unshift(at);
  return way;
}
