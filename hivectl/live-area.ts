import type { Terminal } from './terminal.js';

/** A few lines at the bottom of the terminal that are drawn over and over. */
export class LiveArea {
  #drawn = 0;
  #last = '';

  constructor(private readonly terminal: Terminal) {}

  /** Replaces what was drawn. The lines must not be wider than the terminal. */
  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join('');
    if (text === this.#last) return;
    const back = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A`;
    this.terminal.err(`${back}\x1b[J${text}`);
    this.#drawn = lines.length;
    this.#last = text;
  }
}
