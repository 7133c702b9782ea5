/** How much of a service's output is kept. */
export interface LogPolicy {
  /** Size at which a part of the live file is made an archive. */
  readonly maxSizeBytes: number;
  /** How many archives are kept beside the live file. */
  readonly maxFiles: number;
}

export type RotationPlan =
  | { readonly kind: 'wait' }
  /** More has piled up than is kept: everything before `before` would be deleted as soon as it was archived. */
  | { readonly kind: 'drop'; readonly before: number }
  /** Make an archive of what ends at the last line end before `before`. */
  | { readonly kind: 'archive'; readonly before: number };

/** What to do next with a live file whose kept bytes are `start` to `end` (positions in the stream). */
export function planRotation(start: number, end: number, policy: LogPolicy): RotationPlan {
  const parts = Math.floor((end - start) / policy.maxSizeBytes);
  if (parts === 0) return { kind: 'wait' };
  const surplus = parts - policy.maxFiles;
  if (surplus > 0) return { kind: 'drop', before: start + surplus * policy.maxSizeBytes };
  return { kind: 'archive', before: start + policy.maxSizeBytes };
}

/** How much of `archived` bytes at the front of a file of `size` bytes can be collapsed: whole blocks, never all of it. */
export function bytesToCollapse(archived: number, block: number, size: number): number {
  const whole = Math.floor(archived / block) * block;
  return whole >= size ? Math.max(0, whole - block) : whole;
}

/** How much of `archived` bytes at the front of a file can become a hole. */
export function bytesToPunch(archived: number, block: number): number {
  return Math.floor(archived / block) * block;
}

export const quietestMs = 15_000;
const liveliestMs = 100;
const everySecondMs = 1_000;
/** Keeps all looks together under 200 a second, half a percent of a core. */
const perActiveStreamMs = 5;

export interface Growth {
  /** Bytes since the look before. */
  readonly grown: number;
  /** Time since the look before. */
  readonly elapsedMs: number;
  /** Bytes until the next rotation. */
  readonly room: number;
  /** How long this look was waited for. */
  readonly previousMs: number;
  /** How many streams are growing. */
  readonly active: number;
}

/** In how many milliseconds to look at a stream again: rarely at a silent one, before it is half full at a fast one. */
export function nextLookIn(growth: Growth): number {
  if (growth.grown <= 0) return Math.min(quietestMs, Math.max(everySecondMs, growth.previousMs * 2));
  const halfFull = (growth.room / 2) * (Math.max(1, growth.elapsedMs) / growth.grown);
  return Math.max(liveliestMs, Math.min(halfFull, Math.max(everySecondMs, growth.active * perActiveStreamMs)));
}
