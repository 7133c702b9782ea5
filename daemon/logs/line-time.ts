const isoAtStart = /^\[?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?/;

/** The time that a line begins with (ISO 8601; without a zone it is the machine's local time), in epoch milliseconds. */
export function timeAtStart(text: string): number | null {
  const match = isoAtStart.exec(text.slice(0, 64));
  if (match === null) return null;
  const [, day, clock, fraction, zone] = match;
  const milliseconds = (fraction ?? '0').padEnd(3, '0').slice(0, 3);
  return orNull(Date.parse(`${day}T${clock}.${milliseconds}${zone ?? ''}`));
}

/** A time as structured logs carry it: ISO text, or seconds, milliseconds, micro- or nanoseconds since 1970. */
export function timeOfValue(value: unknown): number | null {
  if (typeof value === 'string') return timeAtStart(value) ?? orNull(Date.parse(value));
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return null;
  if (value < 1e11) return inRange(value * 1e3);
  if (value < 1e14) return inRange(value);
  return inRange(value < 1e17 ? value / 1e3 : value / 1e6);
}

function orNull(milliseconds: number): number | null {
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

/** What a Date can say; 1e9 s and less than that is rather a counter than a time. */
function inRange(milliseconds: number): number | null {
  return milliseconds >= 1e11 && milliseconds <= 8.64e15 ? Math.round(milliseconds) : null;
}
