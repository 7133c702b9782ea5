/** Lets works begin in the order in which they come: so many at once, and one after the other where they have a name in common. */
export class Turns {
  #free: number;
  #waiting: (() => void)[] = [];
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(mostAtOnce: number) {
    this.#free = mostAtOnce;
  }

  /** Settles as the work does. */
  async take<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
    const before = this.#last.get(name);
    const own = (before === undefined ? this.#inTurn(work) : before.then(() => this.#inTurn(work)));
    const settled = own.then(() => undefined, () => undefined);
    this.#last.set(name, settled);
    try {
      return await own;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }

  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
