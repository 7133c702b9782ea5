import { parseMeasure, type Measure } from './measure.js';

/** As everywhere in Hive, a kilobyte has 1024 bytes, whether written KB or KiB. */
const bytesPer = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Reads `512KB`, `10MB`, `1.5GB` into bytes; a number without a unit is refused. */
export function parseSize(text: string): Measure {
  const measure = parseMeasure(text, bytesPer, { kind: 'size', example: '10MB' });
  return measure.ok ? { ok: true, value: Math.round(measure.value) } : measure;
}

/** Reads `80%` or `12.5%` into a fraction between 0 and 1 (0.8, 0.125). */
export function parsePercentage(text: string): Measure {
  const measure = parseMeasure(text, { '%': 0.01 }, { kind: 'percentage', example: '80%' });
  if (!measure.ok) return measure;
  if (measure.value > 1) return { ok: false, message: 'is more than 100%' };
  return { ok: true, value: Math.round(measure.value * 1e6) / 1e6 };
}

/** Writes bytes as the shortest exact size: 10485760 → `10MB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'KB'] as const) {
    if (bytes !== 0 && bytes % bytesPer[unit] === 0) return `${bytes / bytesPer[unit]}${unit}`;
  }
  return `${bytes}B`;
}
