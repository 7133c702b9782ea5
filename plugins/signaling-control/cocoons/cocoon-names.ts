import { cocoonSource } from './service-config.js';

/**
 * Which names are in use in the source of cocoons, and how many: what the daemon tells by events, laid over by what this
 * plugin is just doing, so that a slot is taken before the daemon knows of it and free as soon as the daemon says so.
 */
export class CocoonNames {
  readonly #existing: Set<string>;
  /** Of spawns under way. */
  readonly #reserved = new Set<string>();
  /** Deleted, and the event that says so has not come yet. */
  readonly #gone = new Set<string>();

  constructor(existing: Iterable<string>) {
    this.#existing = new Set(existing);
  }

  get count(): number {
    let count = this.#reserved.size;
    for (const name of this.#existing) if (!this.#gone.has(name) && !this.#reserved.has(name)) count += 1;
    return count;
  }

  has(name: string): boolean {
    return this.#reserved.has(name) || (this.#existing.has(name) && !this.#gone.has(name));
  }

  reserve(name: string): void {
    this.#reserved.add(name);
  }

  /** A spawn has come to its end. */
  release(name: string): void {
    this.#reserved.delete(name);
  }

  created(name: string): void {
    this.#existing.add(name);
  }

  /** Counts no more from now on; the event that says so may have come already. */
  deleted(name: string): void {
    if (this.#existing.has(name)) this.#gone.add(name);
  }

  /** Takes events in their order. */
  heed(event: { readonly type?: unknown; readonly service?: unknown }): void {
    const { type, service } = event;
    if (typeof service !== 'string' || !service.startsWith(`${cocoonSource}:`)) return;
    const name = service.slice(cocoonSource.length + 1);
    if (type === 'service.created') this.#existing.add(name);
    if (type === 'service.deleted') {
      this.#existing.delete(name);
      this.#gone.delete(name);
    }
  }
}
