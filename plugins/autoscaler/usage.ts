import { duration } from './words.js';

/** What one instance uses: cpu as a fraction of one core. */
export interface Figures {
  readonly cpu: number;
  readonly memoryBytes: number;
}

/** One look at all instances of a service. `atMs` is monotonic. */
export interface Sample {
  readonly atMs: number;
  readonly figures: ReadonlyMap<string, Figures>;
}

/**
 * What an instance uses on average over the window, taken twice, so that neither a spike nor a dip decides anything.
 * `sustained` is the lower of mean and median: a spike, however high, moves the mean alone, and a load that comes and goes
 * moves the median alone. `peaking` is the higher of the two, which a dip does not lower.
 */
export interface Usage {
  readonly sustained: Figures;
  readonly peaking: Figures;
}

export type Measured = { readonly kind: 'known'; readonly usage: Usage } | { readonly kind: 'unknown'; readonly why: string };

export interface Looks {
  readonly samples: readonly Sample[];
  /** The instances that the service has now. */
  readonly instances: readonly string[];
  readonly nowMs: number;
  readonly windowMs: number;
  /** The time between two samples. */
  readonly everyMs: number;
}

/** Of the samples that fit into a window so many have to be there, and whole. */
const leastShare = 0.75;
/** More than any machine has. */
const mostCores = 4_096;

/**
 * Only a sample with sound figures of every present instance counts: one from before an instance came, or with a figure
 * that cannot be, says nothing about what the service needs now. Too few of them, or none lately, and the use is unknown.
 */
export function measure({ samples, instances, nowMs, windowMs, everyMs }: Looks): Measured {
  const recent = samples.filter(({ atMs }) => atMs > nowMs - windowMs - everyMs / 2 && atMs <= nowMs);
  const whole = recent.filter(({ figures }) => instances.every((id) => isSound(figures.get(id))));
  const needed = Math.max(2, Math.ceil((leastShare * windowMs) / everyMs));
  const newest = whole.at(-1);
  if (newest === undefined || whole.length < needed) return { kind: 'unknown', why: whyTooFew(recent, whole.length, needed, instances, everyMs) };
  if (nowMs - newest.atMs > 2.5 * everyMs) return { kind: 'unknown', why: `its last figures are ${duration(nowMs - newest.atMs)} old` };
  const means = whole.map(({ figures }) => meanOf(instances.map((id) => figures.get(id) ?? nothing)));
  const cpu = spread(means.map((mean) => mean.cpu));
  const memoryBytes = spread(means.map((mean) => mean.memoryBytes));
  return {
    kind: 'known',
    usage: { sustained: { cpu: cpu.low, memoryBytes: memoryBytes.low }, peaking: { cpu: cpu.high, memoryBytes: memoryBytes.high } },
  };
}

const nothing: Figures = { cpu: 0, memoryBytes: 0 };

function whyTooFew(recent: readonly Sample[], whole: number, needed: number, instances: readonly string[], everyMs: number): string {
  const last = recent.at(-1)?.figures;
  const progress = `${duration(whole * everyMs)} of the ${duration(needed * everyMs)} that a decision needs are measured`;
  const lacking = last === undefined ? [] : instances.filter((id) => !last.has(id));
  if (lacking.length > 0) return `there are no figures of ${lacking.join(', ')} at the moment; ${progress}`;
  const odd = last === undefined ? [] : instances.filter((id) => !isSound(last.get(id)));
  return odd.length === 0 ? progress : `the figures of ${odd.join(', ')} cannot be right; ${progress}`;
}

function isSound(figures: Figures | undefined): boolean {
  if (figures === undefined) return false;
  const { cpu, memoryBytes } = figures;
  return Number.isFinite(cpu) && cpu >= 0 && cpu <= mostCores && Number.isFinite(memoryBytes) && memoryBytes >= 0;
}

function meanOf(figures: readonly Figures[]): Figures {
  return { cpu: mean(figures.map(({ cpu }) => cpu)), memoryBytes: mean(figures.map(({ memoryBytes }) => memoryBytes)) };
}

function spread(values: readonly number[]): { low: number; high: number } {
  const [one, other] = [mean(values), median(values)];
  return { low: Math.min(one, other), high: Math.max(one, other) };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}
