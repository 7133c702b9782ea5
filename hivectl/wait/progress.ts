import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from '../../shared/protocol/results.js';
import type { Context } from '../context.js';
import { LiveArea } from '../live-area.js';
import { progressLine, renderProgress, type ProgressRow } from '../render/progress-tree.js';
import { printable } from '../render/text.js';
import type { Arrival, Goal } from './wait-for-services.js';

export interface Progress {
  arrived(arrival: Arrival): void;
  end(): Promise<void>;
}

/** After this time, a stop says what it waits for. */
const patienceMs = 2000;

/** Shows how services get on: a tree on a terminal, a line for each that arrived elsewhere, nothing with --quiet or --json. */
export function startProgress(context: Context, services: readonly Service[], goal: Goal): Progress {
  if (context.options.json || context.options.quiet) return { arrived: () => {}, end: async () => {} };
  const shown = new ShownServices(services);
  const view = context.terminal.progressRows === null ? new ProgressLines(context, goal) : new ProgressTree(context, context.terminal.progressRows);
  const looking = new AbortController();
  const lookedOn = lookOn(context, shown, view, looking.signal);
  view.draw(shown.rows());
  return {
    arrived: (arrival) => {
      shown.arrived(arrival);
      view.arrived(shown.row(arrival.service.fqn));
      view.draw(shown.rows());
    },
    end: async () => {
      looking.abort();
      await lookedOn;
    },
  };
}

class ShownServices {
  readonly #rows: Map<string, ProgressRow>;
  readonly #start = performance.now();

  constructor(services: readonly Service[]) {
    this.#rows = new Map(services.map((service) => [service.fqn, { service, outcome: null, elapsedMs: 0 }]));
  }

  arrived({ service, error }: Arrival): void {
    this.#rows.set(service.fqn, { service, outcome: error === null ? 'reached' : 'not-reached', elapsedMs: this.#elapsed() });
  }

  seen(services: readonly Service[]): void {
    for (const service of services) {
      if (this.#rows.get(service.fqn)?.outcome === null) this.#rows.set(service.fqn, { service, outcome: null, elapsedMs: this.#elapsed() });
    }
  }

  row(fqn: string): ProgressRow | undefined {
    return this.#rows.get(fqn);
  }

  rows(): ProgressRow[] {
    return [...this.#rows.values()];
  }

  #elapsed(): number {
    return performance.now() - this.#start;
  }
}

interface View {
  draw(rows: readonly ProgressRow[]): void;
  arrived(row: ProgressRow | undefined): void;
}

class ProgressTree implements View {
  readonly #area: LiveArea;

  constructor(private readonly context: Context, private readonly height: number) {
    this.#area = new LiveArea(context.terminal);
  }

  draw(rows: readonly ProgressRow[]): void {
    const columns = process.stderr.columns;
    this.#area.draw(renderProgress(rows, { columns, rows: this.height }, this.context.terminal.paintErr));
  }

  arrived(): void {}
}

class ProgressLines implements View {
  readonly #said = new Map<string, string>();

  constructor(private readonly context: Context, private readonly goal: Goal) {}

  /** Says what a service waits for once that takes a while, and again when it is something else. */
  draw(rows: readonly ProgressRow[]): void {
    for (const { service, outcome, elapsedMs } of rows) {
      if (outcome !== null || elapsedMs < patienceMs || service.reason === '') continue;
      // What is wanted down and not being stopped waits for a hook.
      if (this.goal === 'stopped' && service.state !== 'stopping' && service.wanted === 'up') continue;
      // Seconds that count down are no news.
      const news = `${service.state} ${service.reason.replace(/\d+/g, '')}`;
      if (this.#said.get(service.fqn) === news) continue;
      this.#said.set(service.fqn, news);
      this.context.note(`${service.fqn}  ${service.state}: ${printable(service.reason)}`);
    }
  }

  arrived(row: ProgressRow | undefined): void {
    if (row !== undefined) this.context.note(progressLine(row));
  }
}

/** Looks at the services again and again; rarely enough that looking at a thousand does not slow them down. */
async function lookOn(context: Context, shown: ShownServices, view: View, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const before = performance.now();
    try {
      shown.seen((await (await context.client()).listServices({}, { signal })).services);
    } catch {
      // Progress is for the eye only; the wait itself reports what is wrong.
      return;
    }
    if (signal.aborted) return;
    view.draw(shown.rows());
    const pause = Math.max(150, 5 * (performance.now() - before));
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}
