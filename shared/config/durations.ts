import { parseMeasure, type Measure } from './measure.js';

const millisecondsPer = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Longer than a timer of Node can wait (2^31 - 1 ms, about 24.8 days) is refused. */
export const longestDurationMs = 2 ** 31 - 1;

/** Reads `500ms`, `30s`, `5m`, `1h`, `1.5s`, `2d` into whole milliseconds; a number without a unit is refused. */
export function parseDuration(text: string): Measure {
  const measure = parseMeasure(text, millisecondsPer, { kind: 'duration', example: '30s' });
  if (!measure.ok) return measure;
  const value = Math.round(measure.value);
  if (value > longestDurationMs) return { ok: false, message: 'is longer than 24 days, the longest that Hive can wait' };
  return { ok: true, value };
}

/** Writes milliseconds as the shortest exact duration: 90000 → `90s`, 3600000 → `1h`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (milliseconds !== 0 && milliseconds % millisecondsPer[unit] === 0) return `${milliseconds / millisecondsPer[unit]}${unit}`;
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`;
}
