import { mkdirSync, readFileSync, watch, writeFileSync, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

export interface BenchService {
  readonly name: string;
  /** For `/bin/sh -c`. */
  readonly command: string;
}

/** Services that do nothing but note, each time they start, their name and pid in a common file. */
export class ServiceSet {
  readonly services: readonly BenchService[];
  readonly #file: string;
  readonly #watcher: FSWatcher;
  readonly #listeners = new Set<() => void>();
  #starts = 0;
  #read = 0;
  readonly #pids = new Map<string, { pid: number; atMs: number }>();

  constructor(readonly folder: string, readonly count: number) {
    mkdirSync(folder, { recursive: true });
    this.#file = join(folder, 'starts');
    writeFileSync(this.#file, '');
    this.services = Array.from({ length: count }, (_, index) => {
      const name = `service-${index + 1}`;
      return { name, command: `echo "${name} $$" >> ${this.#file}; exec sleep 1000000` };
    });
    // The kernel's word instead of looking all the time: looking would take a core from the supervisor.
    this.#watcher = watch(this.#file, () => this.#look());
  }

  pidOf(name: string): number {
    return this.#pids.get(name)?.pid ?? 0;
  }

  /** How long a service has been running, in milliseconds. */
  ageOf(name: string): number {
    return performance.now() - (this.#pids.get(name)?.atMs ?? performance.now());
  }

  get pids(): number[] {
    return [...this.#pids.values()].map(({ pid }) => pid);
  }

  untilAllRun(timeoutMs: number): Promise<void> {
    return this.#until(`${this.count} services to run`, () => this.#pids.size === this.count, timeoutMs);
  }

  untilPidChanges(name: string, from: number, timeoutMs: number): Promise<void> {
    return this.#until(`${name} to run again`, () => this.pidOf(name) !== from, timeoutMs);
  }

  get starts(): number {
    return this.#starts;
  }

  close(): void {
    this.#watcher.close();
  }

  #until(what: string, holds: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(deadline);
        this.#listeners.delete(look);
        settle();
      };
      const look = (): void => {
        if (holds()) finish(resolve);
      };
      const deadline = setTimeout(() => finish(() => reject(new Error(`waited ${timeoutMs / 1000} s in vain for ${what} (${this.#pids.size} are there)`))), timeoutMs);
      this.#listeners.add(look);
      this.#look();
    });
  }

  #look(): void {
    const text = readFileSync(this.#file, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    for (const line of text.slice(this.#read, end).split('\n')) {
      const [name, pid] = line.split(' ');
      if (name === undefined || pid === undefined) continue;
      this.#starts += 1;
      this.#pids.set(name, { pid: Number(pid), atMs: performance.now() });
    }
    this.#read = end;
    for (const listener of [...this.#listeners]) listener();
  }
}
