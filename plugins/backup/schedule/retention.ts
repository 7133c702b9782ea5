/** How many snapshots are kept: so many of the last, and the last one of so many hours, days and weeks (UTC) that have one. */
export interface Keep {
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
}

export interface Kept {
  readonly id: string;
  /** When it was begun, in milliseconds. */
  readonly at: number;
  readonly verified: boolean;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** 1 January 1970 was a Thursday; weeks begin on Monday. */
const firstMonday = 4 * dayMs;

/**
 * Which snapshots may go, oldest first. Only verified ones count; while there is none, all do. The newest verified one
 * always stays. Unverified ones that are newer than it stay, too, as many as `last` says and at least one: what is wrong
 * with them may have to be looked at.
 */
export function whatMayGo(snapshots: readonly Kept[], keep: Keep): string[] {
  const newestFirst = [...snapshots].sort((one, other) => other.at - one.at || other.id.localeCompare(one.id));
  const verified = newestFirst.filter((snapshot) => snapshot.verified);
  const counted = verified.length > 0 ? verified : newestFirst;
  const kept = new Set<string>();
  const [newest] = counted;
  if (newest !== undefined) kept.add(newest.id);
  for (const { id } of counted.slice(0, keep.last)) kept.add(id);
  for (const [count, bucketOf] of [
    [keep.hourly, ({ at }: Kept) => Math.floor(at / hourMs)],
    [keep.daily, ({ at }: Kept) => Math.floor(at / dayMs)],
    [keep.weekly, ({ at }: Kept) => Math.floor((at - firstMonday) / (7 * dayMs))],
  ] as const) {
    for (const id of newestOfEach(counted, bucketOf).slice(0, count)) kept.add(id);
  }
  if (verified.length > 0 && newest !== undefined) {
    const pending = newestFirst.slice(0, newestFirst.indexOf(newest));
    for (const { id } of pending.slice(0, Math.max(keep.last, 1))) kept.add(id);
  }
  return newestFirst.filter(({ id }) => !kept.has(id)).map(({ id }) => id).reverse();
}

/** The newest of each hour, day or week, newest first. */
function newestOfEach(newestFirst: readonly Kept[], bucketOf: (snapshot: Kept) => number): string[] {
  const buckets = new Map<number, string>();
  for (const snapshot of newestFirst) {
    const bucket = bucketOf(snapshot);
    if (!buckets.has(bucket)) buckets.set(bucket, snapshot.id);
  }
  return [...buckets.values()];
}
