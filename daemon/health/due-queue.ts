/** Something that is to be done at a time. */
export interface Due {
  dueAtMs: number;
}

/**
 * Everything that is to be done later, earliest first (a binary heap), and one timer for all of it. Adding and taking
 * cost O(log n); an entry that is no longer wanted stays until it is due, and whoever takes it looks whether it still is.
 */
export class DueQueue<T extends Due> {
  readonly #heap: T[] = [];
  readonly #clock: () => number;
  readonly #onDue: (entry: T) => void;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  constructor(clock: () => number, onDue: (entry: T) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(entry: T): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.dueAtMs <= entry.dueAtMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
    this.#arm();
  }

  clear(): void {
    this.#heap.length = 0;
    this.#arm();
  }

  #arm(): void {
    const nextMs = this.#heap[0]?.dueAtMs ?? Infinity;
    if (nextMs === this.#timerAtMs) return;
    // A timer that is early costs one look; one that is exact costs a new timer for every entry that is added.
    if (this.#timer !== undefined && nextMs > this.#timerAtMs && nextMs !== Infinity) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = nextMs;
    if (nextMs === Infinity) return;
    const inMs = Math.min(Math.max(0, Math.ceil(nextMs - this.#clock())), 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#timerAtMs = Infinity;
      this.#takeDue();
      this.#arm();
    }, inMs);
  }

  #takeDue(): void {
    const nowMs = this.#clock();
    for (let first = this.#heap[0]; first !== undefined && first.dueAtMs <= nowMs; first = this.#heap[0]) {
      this.#removeFirst();
      this.#onDue(first);
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      const right = heap[child + 1];
      let smaller = left;
      if (left !== undefined && right !== undefined && right.dueAtMs < left.dueAtMs) {
        child += 1;
        smaller = right;
      }
      if (smaller === undefined || smaller.dueAtMs >= last.dueAtMs) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}
