import type { Transaction } from '../state/state-store.js';
import type { Intents, Wanted } from './intents.js';

/** What an operator has said of services (`source:name`) and whole sources (`source:*`), as a backup carries it. */
export interface CarriedIntents extends TakenIntents {
  readonly intents: readonly { readonly name: string; readonly wanted: Wanted }[];
  readonly scales: readonly { readonly fqn: string; readonly instances: number }[];
}

/** What is to be taken over; null: what was said of it is taken back. */
export interface TakenIntents {
  readonly intents: readonly { readonly name: string; readonly wanted: Wanted | null }[];
  readonly scales: readonly { readonly fqn: string; readonly instances: number | null }[];
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
export function writeCarried(tx: Transaction, intents: Intents, given: TakenIntents): void {
  for (const { name, wanted } of sourcesFirst(given)) {
    if (wanted === null) intents.eraseWord(tx, name);
    else intents.write(tx, [name], wanted);
  }
  for (const { fqn, instances } of given.scales) {
    if (instances === null) intents.eraseScale(tx, fqn);
    else intents.writeScale(tx, fqn, instances);
  }
}

export function rememberCarried(intents: Intents, given: TakenIntents): void {
  for (const { name, wanted } of sourcesFirst(given)) {
    if (wanted === null) intents.forgetWord(name);
    else intents.remember([name], wanted);
  }
  for (const { fqn, instances } of given.scales) {
    if (instances === null) intents.forgetScale(fqn);
    else intents.rememberScale(fqn, instances);
  }
}

/** The word about a source erases what was said of its services before. */
function sourcesFirst({ intents }: TakenIntents): TakenIntents['intents'] {
  return [...intents.filter(({ name }) => name.endsWith(':*')), ...intents.filter(({ name }) => !name.endsWith(':*'))];
}
