import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Somebody else has chosen the number of instances of a service, and the autoscaler leaves it alone. */
export interface Pause {
  /** Who, as events name it: `the operator`. */
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** The number that was chosen. */
  readonly instances: number;
}

interface Content {
  readonly paused: Record<string, Pause>;
  /** The event that was taken into account last: one that is delivered again must not undo what came after it. */
  readonly seen: { readonly epoch: string; readonly seq: number } | null;
}

/** Which services are paused, in a file of the plugin's folder: every change is on disk when it resolves. */
export class Pauses {
  #content: Content;
  #writing: Promise<void> = Promise.resolve();

  private constructor(private readonly path: string, content: Content) {
    this.#content = content;
  }

  /** A file that cannot be read counts as none, with a word to `complain`: a lost pause is no reason to scale nothing at all. */
  static async open(folder: string, complain: (sentence: string) => void): Promise<Pauses> {
    const path = join(folder, 'pauses.json');
    const nothing: Content = { paused: {}, seen: null };
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) return new Pauses(path, nothing);
    try {
      const { paused = {}, seen = null } = JSON.parse(text) as Partial<Content>;
      return new Pauses(path, { paused, seen });
    } catch {
      complain(`${path} cannot be read; no service counts as paused.`);
      return new Pauses(path, nothing);
    }
  }

  of(service: string): Pause | null {
    return Object.hasOwn(this.#content.paused, service) ? this.#content.paused[service] ?? null : null;
  }

  get services(): string[] {
    return Object.keys(this.#content.paused);
  }

  wasSeen({ epoch, seq }: { epoch: string; seq: number }): boolean {
    const { seen } = this.#content;
    return seen !== null && seen.epoch === epoch && seq <= seen.seq;
  }

  pause(service: string, pause: Pause, seen?: { epoch: string; seq: number }): Promise<void> {
    return this.#change({ paused: { ...this.#content.paused, [service]: pause }, seen: seen === undefined ? this.#content.seen : { epoch: seen.epoch, seq: seen.seq } });
  }

  async resume(service: string): Promise<void> {
    if (this.of(service) === null) return;
    const { [service]: _gone, ...paused } = this.#content.paused;
    await this.#change({ ...this.#content, paused });
  }

  #change(content: Content): Promise<void> {
    this.#content = content;
    const text = `${JSON.stringify(content, null, 1)}\n`;
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write(text));
    return this.#writing;
  }

  async #write(text: string): Promise<void> {
    const file = await open(`${this.path}.new`, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.path}.new`, this.path);
  }
}
