type Settle = (wasTaken: boolean) => void;

/**
 * Turns pushed values into an async iterator. `push` answers a promise that settles when the reader came back for the
 * next value (true) or left (false), which is how a slow reader slows the sender.
 */
export class Follow<Value> implements AsyncIterableIterator<Value> {
  readonly #waiting: { value: Value; settle: Settle }[] = [];
  #reader: { resolve: (result: IteratorResult<Value>) => void; reject: (error: Error) => void } | undefined;
  /** Of the value that the reader is busy with. */
  #settle: Settle | undefined;
  #end: { error?: Error } | undefined;

  /** `stop` runs when the reader leaves its loop. */
  constructor(private readonly stop: () => Promise<void>) {}

  /** Hands one value over; after the end it is dropped. */
  push(value: Value): Promise<boolean> {
    if (this.#end !== undefined) return Promise.resolve(false);
    return new Promise((settle) => {
      const reader = this.#reader;
      if (reader === undefined) {
        this.#waiting.push({ value, settle });
        return;
      }
      this.#reader = undefined;
      this.#settle = settle;
      reader.resolve({ done: false, value });
    });
  }

  /** Ends the iteration after what was pushed; with an error, the reader's loop throws it. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    if (error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(error);
  }

  async next(): Promise<IteratorResult<Value>> {
    this.#settle?.(true);
    this.#settle = undefined;
    const first = this.#waiting.shift();
    if (first !== undefined) {
      this.#settle = first.settle;
      return { done: false, value: first.value };
    }
    if (this.#end !== undefined) {
      if (this.#end.error !== undefined) throw this.#end.error;
      return { done: true, value: undefined };
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  async return(): Promise<IteratorResult<Value>> {
    this.end();
    this.#settle?.(false);
    this.#settle = undefined;
    for (const { settle } of this.#waiting.splice(0)) settle(false);
    await this.stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
