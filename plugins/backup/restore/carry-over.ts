import type { ExportedState } from '../snapshot/exported.js';

/** Where a path of the backed-up daemon is now: what lay in its home lies in the present one. */
export function presentPath(path: string, homeThen: string, homeNow: string): string {
  if (path === homeThen) return homeNow;
  return path.startsWith(`${homeThen}/`) ? `${homeNow}${path.slice(homeThen.length)}` : path;
}

type Said = Pick<ExportedState, 'intents' | 'scales'>;

/** What state.import has to be told; null: that nothing was said. */
export interface ToRecall {
  readonly intents: readonly { readonly name: string; readonly wanted: 'up' | 'down' | null }[];
  readonly scales: readonly { readonly fqn: string; readonly instances: number | null }[];
}

/**
 * What makes a daemon want of `sources` what it wanted then. The word about a source comes first and erases what is said of
 * its services, so that once anything differs in a source, all of its words are said again.
 */
export function whatToRecall(then: Said, now: Said, sources: readonly string[]): ToRecall {
  const intents = sources.flatMap((source) => {
    const of = ({ name }: { name: string }): boolean => name.startsWith(`${source}:`);
    const [was, is] = [then.intents.filter(of), now.intents.filter(of)];
    const isSame = was.length === is.length && was.every(({ name, wanted }) => is.some((one) => one.name === name && one.wanted === wanted));
    const taken = is.filter(({ name }) => !was.some((one) => one.name === name)).map(({ name }) => ({ name, wanted: null }));
    return isSame ? [] : [...taken, ...was];
  });
  const isMeant = ({ fqn }: { fqn: string }): boolean => sources.some((source) => fqn.startsWith(`${source}:`));
  const changed = then.scales.filter((scale) => isMeant(scale) && !now.scales.some(({ fqn, instances }) => fqn === scale.fqn && instances === scale.instances));
  const taken = now.scales.filter((scale) => isMeant(scale) && !then.scales.some(({ fqn }) => fqn === scale.fqn)).map(({ fqn }) => ({ fqn, instances: null }));
  return { intents, scales: [...changed, ...taken] };
}

/** The same for one service; where only its source was spoken of, that counts for it. */
export function saidOf(fqn: string, then: Said, now: Said): ToRecall {
  const [source = ''] = fqn.split(':');
  const word = ({ intents }: Said): 'up' | 'down' | null => (intents.find(({ name }) => name === fqn) ?? intents.find(({ name }) => name === `${source}:*`))?.wanted ?? null;
  const scale = ({ scales }: Said): number | null => scales.find((one) => one.fqn === fqn)?.instances ?? null;
  return {
    intents: word(then) === word(now) ? [] : [{ name: fqn, wanted: word(then) }],
    scales: scale(then) === scale(now) ? [] : [{ fqn, instances: scale(then) }],
  };
}

/** A JSON merge patch that makes `wanted` of `present`. */
export function patchTo(wanted: unknown, present: unknown): unknown {
  if (!isMapping(wanted) || !isMapping(present)) return wanted;
  const gone = Object.keys(present).filter((key) => !Object.hasOwn(wanted, key)).map((key) => [key, null] as const);
  const kept = Object.entries(wanted).map(([key, value]) => [key, patchTo(value, present[key])] as const);
  return Object.fromEntries([...gone, ...kept]);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
