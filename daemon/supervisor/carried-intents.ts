import type { Transaction } from '../state/state-store.js';
import type { Intents, Wanted } from './intents.js';

/** What an operator has said of services (`source:name`) and whole sources (`source:*`), as a backup carries it. */
export interface CarriedIntents {
  readonly intents: readonly { readonly name: string; readonly wanted: Wanted }[];
  readonly scales: readonly { readonly fqn: string; readonly instances: number }[];
}

/**
 * What `intents` hold. A stop that a reboot has made void for `always` is carried as what it is now: the boot that it
 * belongs to means nothing elsewhere.
 */
export function carriedIntents(intents: Intents, policyOf: (fqn: string) => string | undefined): CarriedIntents {
  const rows = intents.all().map(({ name, wanted }) => {
    const policy = policyOf(name);
    const [source = '', service = ''] = name.split(':');
    return { name, wanted: policy === undefined ? wanted : intents.wanted(source, service, policy) };
  });
  return { intents: rows, scales: intents.allScales() };
}

/** Inside a transaction; `rememberCarried` afterwards. */
export function writeCarried(tx: Transaction, intents: Intents, given: CarriedIntents): void {
  for (const { name, wanted } of sourcesFirst(given)) intents.write(tx, [name], wanted);
  for (const { fqn, instances } of given.scales) intents.writeScale(tx, fqn, instances);
}

export function rememberCarried(intents: Intents, given: CarriedIntents): void {
  for (const { name, wanted } of sourcesFirst(given)) intents.remember([name], wanted);
  for (const { fqn, instances } of given.scales) intents.rememberScale(fqn, instances);
}

/** The word about a source erases what was said of its services before. */
function sourcesFirst({ intents }: CarriedIntents): CarriedIntents['intents'] {
  return [...intents.filter(({ name }) => name.endsWith(':*')), ...intents.filter(({ name }) => !name.endsWith(':*'))];
}
