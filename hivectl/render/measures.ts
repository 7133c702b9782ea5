/** Times and sizes as people read them: rounded, at most two units, never exact. Exact ones are what `--json` is for. */

/** 850 → `0.9s`, 75000 → `1m 15s`, 90000000 → `1d 1h`. */
export function humanDuration(milliseconds: number): string {
  if (milliseconds < 10_000) return `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s`;
  const seconds = Math.floor(milliseconds / 1000);
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = units.findIndex(([count]) => count > 0);
  return units.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join(' ');
}

/** 1536 → `1.5 KB`; a kilobyte has 1024 bytes, as everywhere in Hive. */
export function humanSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let size = bytes;
  for (const unit of ['KB', 'MB', 'GB']) {
    size /= 1024;
    if (size < 1000) return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
  }
  return `${(size / 1024).toFixed(1)} TB`;
}

/** A fraction of one core: 0.023 → `2.3%`. */
export function humanCpu(fraction: number): string {
  const percent = fraction * 100;
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%`;
}

/** The local time of day; with its date when that is not today's. Unreadable times are shown as they are. */
export function humanTime(iso: string, now: Date): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const two = (value: number, width = 2): string => String(value).padStart(width, '0');
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`;
  if (time.toDateString() === now.toDateString()) return clock;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}
