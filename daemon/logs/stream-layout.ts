/**
 * Where the bytes of a stream are. A stream is everything that the instance ever wrote, numbered from 0; the archives
 * hold an early part of it that is still kept, the live file the rest.
 *
 *   position  0 ······ archives[0].start ··· archive ··· archive ···┐ start ··· live ··· end
 *             (retention took these)                                │
 *   live file                                    base ··· leftover ─┘
 *
 * `leftover` is less than a block of bytes that are archived already, or a hole, or nothing.
 */
export interface StreamLayout {
  /** Position of the live file's first byte. */
  readonly base: number;
  /** Position of the first byte that is read from the live file. */
  readonly start: number;
  /** In order; gaps between them are what retention took before it was ever copied. */
  readonly archives: readonly Archive[];
}

export interface Archive {
  readonly start: number;
  readonly size: number;
}

export interface Segment {
  readonly archive: Archive | null;
  readonly start: number;
  readonly end: number;
}

/** Position of the oldest byte that is still there. */
export function oldestPosition(layout: StreamLayout): number {
  return layout.archives[0]?.start ?? layout.start;
}

/** What holds the byte at `position`, or else the first byte after it; null at the end of the stream. */
export function segmentFrom(layout: StreamLayout, position: number, end: number): Segment | null {
  const archive = layout.archives.find((one) => one.start + one.size > position);
  if (archive !== undefined) return { archive, start: archive.start, end: archive.start + archive.size };
  return position < end ? { archive: null, start: layout.start, end } : null;
}

/** What holds the byte before `position`, or else the last byte before that; null at the beginning of what is kept. */
export function segmentBefore(layout: StreamLayout, position: number, end: number): Segment | null {
  if (position > layout.start && end > layout.start) return { archive: null, start: layout.start, end };
  const archive = layout.archives.findLast((one) => one.start < position);
  return archive === undefined ? null : { archive, start: archive.start, end: archive.start + archive.size };
}
