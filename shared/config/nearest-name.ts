/**
 * The name out of `known` that `written` was most likely meant to be, or null when none is near: Damerau-Levenshtein
 * distance (one for a letter too many, too few, wrong or swapped with its neighbour) of at most a third of the length.
 */
export function nearestName(written: string, known: Iterable<string>): string | null {
  const target = written.toLowerCase();
  const allowance = target.length <= 3 ? 1 : Math.min(3, Math.ceil(target.length / 3));
  let best: string | null = null;
  let bestDistance = allowance + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - target.length) >= bestDistance) continue;
    const distance = editDistance(target, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  // `-` for `_` and the like is no typing mistake but another habit, and counts as none.
  return best ?? [...known].find((candidate) => folded(candidate) === folded(target)) ?? null;
}

function folded(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '');
}

/** The optimal-string-alignment distance of two short texts. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
