import { randomBytes } from 'node:crypto';
import { nameProblem } from '../../../shared/config/names.js';
import type { Settings } from '../settings.js';
import type { SpawnRequest } from '../wire/incoming.js';

type Names = { readonly count: number; has(name: string): boolean };

/** Why a spawn cannot be done as things are, in a sentence for whoever asked; null: it can. */
export function spawnRefusal({ kind, name }: Pick<SpawnRequest, 'kind' | 'name'>, { kinds, maxCocoons }: Pick<Settings, 'kinds' | 'maxCocoons'>, names: Names): string | null {
  if (!kinds.has(kind)) return `This Hive has no kind ${shortly(kind)} of cocoon; it has ${[...kinds.keys()].join(', ')}.`;
  if (name !== null) {
    const problem = nameProblem('service', name);
    if (problem !== null) return problem;
    if (names.has(name)) return `The name ${name} is taken by another cocoon.`;
  }
  const { count } = names;
  return count >= maxCocoons ? `This Hive has ${count} cocoons; it takes ${maxCocoons} at most.` : null;
}

/** `cocoon-` and 8 hex digits, not in use. */
export function makeName(names: Names): string {
  for (;;) {
    const name = `cocoon-${randomBytes(4).toString('hex')}`;
    if (!names.has(name)) return name;
  }
}

/** Text from afar within a sentence: quoted, on one line and not long. */
export function shortly(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
