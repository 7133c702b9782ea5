import type { ExportedState } from '../snapshot/exported.js';

/** Where a path of the backed-up daemon is now: what lay in its home lies in the present one. */
export function presentPath(path: string, homeThen: string, homeNow: string): string {
  if (path === homeThen) return homeNow;
  return path.startsWith(`${homeThen}/`) ? `${homeNow}${path.slice(homeThen.length)}` : path;
}

type Carried = Pick<ExportedState, 'intents' | 'scales'>;

/** What was said of one service; where only its source was spoken of, that. */
export function saidOf(fqn: string, { intents, scales }: Carried): Carried {
  const [source = ''] = fqn.split(':');
  const said = intents.find(({ name }) => name === fqn) ?? intents.find(({ name }) => name === `${source}:*`);
  return { intents: said === undefined ? [] : [{ name: fqn, wanted: said.wanted }], scales: scales.filter((scale) => scale.fqn === fqn) };
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
