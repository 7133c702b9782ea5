/** The stream had reached `offset` bytes at `time` (epoch milliseconds). Two marks at one offset are a silence. */
export interface TimeMark {
  readonly offset: number;
  readonly time: number;
}

/** Growth within this time after the last mark is not marked again. */
export const markEveryMs = 5_000;

/**
 * What to add to an index whose last mark is `last`, when a look found `now` and the look before it `before`.
 * `unmarked` is the last growth that was seen and not marked. Where the stream was silent, both ends of the silence are
 * marked, so that a line after it is not taken for one written during it.
 */
export function marksFor(last: TimeMark, unmarked: TimeMark | null, before: TimeMark, now: TimeMark): TimeMark[] {
  if (now.offset <= last.offset) return [];
  const silentBefore = before.time - (unmarked ?? last).time >= markEveryMs;
  if (!silentBefore) return now.time - last.time >= markEveryMs ? [now] : [];
  const marks = [...(unmarked === null ? [] : [unmarked]), ...(before.offset >= last.offset ? [before] : []), now];
  let previous = last;
  return marks.filter((mark) => {
    const grows = mark.offset >= previous.offset && mark.time >= previous.time && (mark.offset > previous.offset || mark.time > previous.time);
    if (grows) previous = mark;
    return grows;
  });
}

/** When the bytes before an offset were written: the best guess and the span that holds it for certain. */
export interface WrittenAt {
  readonly time: number;
  readonly earliest: number;
  readonly latest: number;
}

/** When the line that ends at `end` was written. `marks` ascend; between two of them time is taken to run evenly with bytes. */
export function writtenAt(marks: readonly TimeMark[], end: number): WrittenAt {
  const index = firstIndex(marks, (mark) => mark.offset >= end);
  const after = marks[index];
  const before = marks[index - 1];
  if (after === undefined) {
    const time = before?.time ?? 0;
    return { time, earliest: time, latest: time };
  }
  if (before === undefined) return { time: after.time, earliest: 0, latest: after.time };
  const share = (end - before.offset) / (after.offset - before.offset);
  return { time: Math.round(before.time + share * (after.time - before.time)), earliest: before.time, latest: after.time };
}

/** Everything that was written at or after `time` lies at or after the answered offset. */
export function offsetAt(marks: readonly TimeMark[], time: number): number {
  return marks[firstIndex(marks, (mark) => mark.time >= time) - 1]?.offset ?? 0;
}

/** Fewer marks: none for what is gone (but one to start from), and then every second one until they are `most` at the most. */
export function thinned(marks: readonly TimeMark[], oldest: number, most: number): TimeMark[] {
  let kept = marks.slice(Math.max(0, firstIndex(marks, (mark) => mark.offset > oldest) - 1));
  while (kept.length > most) kept = kept.filter((_, index) => index % 2 === 0 || index === kept.length - 1);
  return kept;
}

function firstIndex(marks: readonly TimeMark[], holds: (mark: TimeMark) => boolean): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const mark = marks[middle];
    if (mark !== undefined && holds(mark)) high = middle;
    else low = middle + 1;
  }
  return low;
}
