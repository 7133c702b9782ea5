import type { KeySource } from '../place.js';
import { unsealed, Unopened, type Opening, type Sealing } from './seal.js';

/** How a new snapshot is closed. The library is loaded only when there is a key. @throws HiveError INVALID_CONFIG */
export async function sealingFor(key: KeySource | null, cache: string): Promise<Sealing> {
  return key === null ? unsealed : (await import('./age-seal.js')).ageSealing(key, cache);
}

/** How snapshots are opened; a key.age is worked out once, however many snapshots share it. */
export class Openings {
  readonly #known = new Map<string, Promise<Opening>>();

  /** `sealing`: what a snapshot was just closed with; a second of stretching is saved where that has opened one before. */
  constructor(private readonly key: KeySource | null, sealing: Sealing | null = null) {
    if (sealing !== null && sealing.proven !== null && sealing.keyFile !== null) this.#known.set(markOf(sealing.keyFile), Promise.resolve(sealing.proven));
  }

  /** @throws Unopened, HiveError INVALID_CONFIG */
  async for(isEncrypted: boolean, keyFile: Uint8Array | null): Promise<Opening> {
    const { key } = this;
    if (!isEncrypted) return unsealed;
    if (key === null) throw new Unopened('it is encrypted, and no key was given');
    const mark = markOf(keyFile);
    const opening = this.#known.get(mark) ?? import('./age-seal.js').then(({ ageOpening }) => ageOpening(key, keyFile));
    this.#known.set(mark, opening);
    return opening;
  }
}

function markOf(keyFile: Uint8Array | null): string {
  return keyFile === null ? '' : Buffer.from(keyFile).toString('base64');
}
